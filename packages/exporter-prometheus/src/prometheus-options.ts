import * as v from "valibot";
import { type EnvironmentValue, readEnvironment } from "./environment.ts";

export interface PrometheusOptions {
  /**
   * Address to listen on. Anything but a loopback address lets every machine that reaches the port read the metrics.
   * Environment: `METERBRIDGE_PROMETHEUS_HOST`, else `OTEL_EXPORTER_PROMETHEUS_HOST`. Default `"127.0.0.1"`.
   */
  readonly host?: string;

  /**
   * Port to listen on, 0 for any free one. Environment: `METERBRIDGE_PROMETHEUS_PORT`, else
   * `OTEL_EXPORTER_PROMETHEUS_PORT`. Default 9464.
   */
  readonly port?: number;

  /** Path of the metrics. Default `"/metrics"`. */
  readonly path?: string;

  /** Path of the exporter's health. Default `"/health"`. */
  readonly healthPath?: string;

  /** False opens no port: mount `handler()` or `fetchHandler()` on the application's own server. Default true. */
  readonly server?: boolean;

  /** How long a collection may take before the scrape is answered with 503, in milliseconds. Default 10,000. */
  readonly scrapeTimeoutMillis?: number;

  /**
   * Label every series with the instrumentation scope, `otel_scope_name` and `otel_scope_version`. Default false, although
   * the OpenTelemetry specification has it on: the labels make a scrape about a quarter larger, and the version starts new
   * series at each upgrade of a library. Turn it on where two libraries record metrics of one name.
   */
  readonly withScopeInfo?: boolean;

  /** Expose the resource's attributes as `target_info`. Default true. */
  readonly withTargetInfo?: boolean;

  /**
   * The most series of one metric that the meter provider should hand over, between two scrapes; what is beyond goes into one
   * series labelled `otel_metric_overflow="true"`. Default 10,000: more than the limit that Meterbridge's own meters keep,
   * so that the two do not cut into each other. Of no effect on counters and histograms under `start()` of
   * `@meterbridge/node`, which keeps their series itself, up to its `seriesLimit`.
   */
  readonly cardinalityLimit?: number;
}

export type ResolvedOptions = Required<PrometheusOptions>;

/**
 * Fills in the environment and the defaults. Throws an `Error` of one line that names the option or variable, what was found
 * and what is allowed.
 */
export function resolveOptions(options: PrometheusOptions, environment: NodeJS.ProcessEnv): ResolvedOptions {
  const given = parse(optionsSchema, options, (issue) => {
    const option = issue.path?.[0]?.key;
    return option === undefined ? "options" : `option ${JSON.stringify(option)}`;
  });
  const { host, port } = readEnvironment(environment);
  const resolved: ResolvedOptions = {
    host: given.host ?? fromEnvironment(hostSchema, host) ?? "127.0.0.1",
    port: given.port ?? fromEnvironment(portTextSchema, port) ?? 9464,
    path: given.path ?? "/metrics",
    healthPath: given.healthPath ?? "/health",
    server: given.server ?? true,
    scrapeTimeoutMillis: given.scrapeTimeoutMillis ?? 10_000,
    withScopeInfo: given.withScopeInfo ?? false,
    withTargetInfo: given.withTargetInfo ?? true,
    cardinalityLimit: given.cardinalityLimit ?? 10_000,
  };
  if (resolved.path === resolved.healthPath) {
    throw new Error(`${prefix} options "path" and "healthPath" must differ, found ${show(resolved.path)} for both`);
  }
  return resolved;
}

const prefix = "[meterbridge] [prometheus]";
const portRule = "must be an integer from 0 to 65535";
const hostRule = "must be a host name or IP address, without scheme or port";
const pathRule = 'must be a path that starts with "/", without "?" or "#"';
const booleanRule = "must be true or false";
const countRule = "must be an integer from 1 to 2147483647";

const hostSchema = v.pipe(v.string(hostRule), v.regex(/^[^\s/]+$/, hostRule));
const portSchema = v.pipe(
  v.number(portRule),
  v.integer(portRule),
  v.minValue(0, portRule),
  v.maxValue(65_535, portRule),
);
const portTextSchema = v.pipe(v.string(), v.regex(/^\d+$/, portRule), v.transform(Number), portSchema);
const pathSchema = v.pipe(v.string(pathRule), v.regex(/^\/[^?#\s]*$/, pathRule));
const booleanSchema = v.boolean(booleanRule);
const countSchema = v.pipe(
  v.number(countRule),
  v.integer(countRule),
  v.minValue(1, countRule),
  v.maxValue(2_147_483_647, countRule),
);

const entries = {
  host: v.optional(hostSchema),
  port: v.optional(portSchema),
  path: v.optional(pathSchema),
  healthPath: v.optional(pathSchema),
  server: v.optional(booleanSchema),
  scrapeTimeoutMillis: v.optional(countSchema),
  withScopeInfo: v.optional(booleanSchema),
  withTargetInfo: v.optional(booleanSchema),
  cardinalityLimit: v.optional(countSchema),
};
const optionsSchema = v.strictObject(entries, (issue) =>
  issue.expected === "never" ? `is unknown, the options are ${Object.keys(entries).join(", ")}` : "must be an object",
);

function fromEnvironment<Schema extends v.GenericSchema<string, unknown>>(
  schema: Schema,
  found: EnvironmentValue | undefined,
): v.InferOutput<Schema> | undefined {
  return found === undefined ? undefined : parse(schema, found.value, () => found.variable);
}

function parse<Schema extends v.GenericSchema>(
  schema: Schema,
  input: unknown,
  nameOf: (issue: v.InferIssue<Schema>) => string,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, input);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new Error(`${prefix} ${nameOf(issue)} ${issue.message}, found ${show(issue.input)}`);
}

function show(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return typeof value;
  }
}
