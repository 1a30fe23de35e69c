import * as v from "valibot";
import type { EnvironmentValue, VariableOption } from "./environment.ts";
import { type TranslationStrategy, translationStrategies } from "./naming.ts";
import type { BasicAuth, PrometheusOptions } from "./prometheus-options.ts";

export const prefix = "[meterbridge] [prometheus]";

/** What the environment's texts become. */
export interface VariableValues {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly healthPath: string;
  readonly scrapeTimeoutMillis: number;
  readonly translationStrategy: TranslationStrategy;
  readonly withScopeInfo: boolean;
  readonly withTargetInfo: boolean;
  readonly withCreated: boolean;
  readonly compression: boolean;
  readonly labelCacheBytes: number;
  readonly cardinalityLimit: number;
  readonly bearerToken: string;
  readonly basicAuth: BasicAuth;
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly clientAuthorityFile: string;
  readonly aggregate: "cluster" | "threads";
}

/** @throws Error of one line when an option is wrong. */
export function parseOptions(options: PrometheusOptions): PrometheusOptions {
  const parsed = parse(optionsSchema, options, optionName);
  // An option that is undefined counts as left out.
  return parsed as PrometheusOptions;
}

/** @throws Error of one line when the variable is wrong. */
export function fromEnvironment<Option extends VariableOption>(
  option: Option,
  found: EnvironmentValue | undefined,
): VariableValues[Option] | undefined {
  const schema: v.GenericSchema<string, VariableValues[Option]> = textSchemas[option];
  return found === undefined ? undefined : parse(schema, found.value, () => found.variable);
}

/** How an option is called in an error. */
export function optionName(issue: v.BaseIssue<unknown>): string {
  const path = (issue.path ?? []).map(({ key }) => String(key)).join(".");
  return path === "" ? "options" : `option ${JSON.stringify(path)}`;
}

export function show(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return typeof value;
  }
}

const portRule = "must be an integer from 0 to 65535";
const hostRule = "must be a host name or IP address, without scheme or port";
const pathRule = 'must be a path that starts with "/", without "?" or "#"';
const booleanRule = "must be true or false";
const countRule = "must be an integer from 1 to 2147483647";
const bytesRule = "must be a number of bytes, an integer from 0";
const strategyRule = `must be one of ${translationStrategies.join(", ")}`;
const tokenRule = "must be a text of visible ASCII characters, which is not shown here";
const basicRule = "must be name:password, which is not shown here";
const nameRule = "must be a name without a colon, which is not shown here";
const fileRule = "must be the path of a file";
const acrossRule = "must be cluster or threads";
const aggregateRule = "must be cluster, threads, or an object of across, gauges, gaugeRules and deadlineMillis";
const gaugeRule = "must be one of sum, max, min, last, each";

const hostSchema = v.pipe(v.string(hostRule), v.regex(/^[^\s/]+$/, hostRule));
const portSchema = integer(0, 65_535, portRule);
const pathSchema = v.pipe(v.string(pathRule), v.regex(/^\/[^?#\s]*$/, pathRule));
const booleanSchema = v.boolean(booleanRule);
export const countSchema: v.GenericSchema<number> = integer(1, 2_147_483_647, countRule);
const bytesSchema = integer(0, Number.MAX_SAFE_INTEGER, bytesRule);
const strategySchema = v.picklist(translationStrategies, strategyRule);
export const tokenSchema: v.GenericSchema<string> = v.pipe(v.string(tokenRule), v.regex(/^[\x21-\x7e]+$/, tokenRule));
const userSchema = v.pipe(v.string(nameRule), v.regex(/^[^:]+$/, nameRule));
export const basicAuthSchema: v.GenericSchema<BasicAuth> = strict({
  username: userSchema,
  password: v.string(tokenRule),
});
const fileSchema = v.pipe(v.string(fileRule), v.minLength(1, fileRule));
const acrossSchema = v.picklist(["cluster", "threads"], acrossRule);
const gaugeSchema = v.picklist(["sum", "max", "min", "last", "each"], gaugeRule);

const entries = {
  host: v.optional(hostSchema),
  port: v.optional(portSchema),
  path: v.optional(pathSchema),
  healthPath: v.optional(pathSchema),
  server: v.optional(booleanSchema),
  scrapeTimeoutMillis: v.optional(countSchema),
  translationStrategy: v.optional(strategySchema),
  withScopeInfo: v.optional(booleanSchema),
  withTargetInfo: v.optional(booleanSchema),
  withCreated: v.optional(booleanSchema),
  compression: v.optional(booleanSchema),
  labelCacheBytes: v.optional(bytesSchema),
  cardinalityLimit: v.optional(countSchema),
  bearerToken: v.optional(tokenSchema),
  basicAuth: v.optional(basicAuthSchema),
  tls: v.optional(
    strict({
      certificateFile: fileSchema,
      keyFile: fileSchema,
      clientAuthorityFile: v.exactOptional(fileSchema),
    }),
  ),
  aggregate: v.optional(
    v.union(
      [
        acrossSchema,
        strict({
          across: acrossSchema,
          gauges: v.exactOptional(gaugeSchema),
          gaugeRules: v.exactOptional(v.record(v.string(), gaugeSchema)),
          deadlineMillis: v.exactOptional(countSchema),
        }),
      ],
      aggregateRule,
    ),
  ),
};
const optionsSchema = strict(entries);

const textSchemas: { readonly [Option in VariableOption]: v.GenericSchema<string, VariableValues[Option]> } = {
  host: hostSchema,
  port: v.pipe(digits(portRule), portSchema),
  path: pathSchema,
  healthPath: pathSchema,
  scrapeTimeoutMillis: v.pipe(digits(countRule), countSchema),
  translationStrategy: strategySchema,
  withScopeInfo: booleanText(),
  withTargetInfo: booleanText(),
  withCreated: booleanText(),
  compression: booleanText(),
  labelCacheBytes: v.pipe(digits(bytesRule), bytesSchema),
  cardinalityLimit: v.pipe(digits(countRule), countSchema),
  bearerToken: tokenSchema,
  basicAuth: v.pipe(
    v.string(),
    v.regex(/^[^:]+:/, basicRule),
    v.transform((pair) => {
      const colon = pair.indexOf(":");
      return { username: pair.slice(0, colon), password: pair.slice(colon + 1) };
    }),
  ),
  certificateFile: fileSchema,
  keyFile: fileSchema,
  clientAuthorityFile: fileSchema,
  aggregate: acrossSchema,
};

function integer(least: number, most: number, rule: string): v.GenericSchema<number> {
  return v.pipe(v.number(rule), v.integer(rule), v.minValue(least, rule), v.maxValue(most, rule));
}

function digits(rule: string): v.GenericSchema<string, number> {
  return v.pipe(v.string(), v.regex(/^\d+$/, rule), v.transform(Number));
}

function booleanText(): v.GenericSchema<string, boolean> {
  return v.pipe(
    v.string(),
    v.toLowerCase(),
    v.picklist(["true", "false"], booleanRule),
    v.transform((text) => text === "true"),
  );
}

/** An object of these fields and no others. */
export function strict<Entries extends v.ObjectEntries>(
  fields: Entries,
): v.StrictObjectSchema<Entries, (issue: v.StrictObjectIssue) => string> {
  return v.strictObject(fields, (issue) => {
    if (issue.expected === "Object") return "must be an object";
    if (issue.expected === "never") return `is unknown, the options are ${Object.keys(fields).join(", ")}`;
    return "is missing";
  });
}

/** @throws Error of one line that says what is wrong, unless it is a secret what was found. */
export function parse<Schema extends v.GenericSchema>(
  schema: Schema,
  input: unknown,
  nameOf: (issue: v.InferIssue<Schema>) => string,
  who: string = prefix,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, input);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const isSecret = issue.message.endsWith("not shown here");
  throw new Error(`${who} ${nameOf(issue)} ${issue.message}${isSecret ? "" : `, found ${show(issue.input)}`}`);
}
