import * as v from "valibot";
import { aFunction, checkOptions, milliseconds } from "../check-options.ts";
import type { HealthOptions } from "./health.ts";
import type { HealthCheck } from "./health-check.ts";

/** Throws an Error of one line when an option is wrong. */
export function checkHealthOptions(options: HealthOptions): HealthOptions {
  checkOptions("health", schema, options);
  const names = new Set<string>();
  for (const { name } of options.checks ?? []) {
    if (names.has(name)) throw new Error(`[meterbridge] [http] health: two checks are called "${name}"`);
    names.add(name);
  }
  return options;
}

const nameMessage = 'must be 1 to 64 letters, digits, ".", "_" or "-", of which the first is a letter or digit';
const booleanMessage = "must be true or false";
const pathMessage = 'must be a path that begins with "/", such as "/health"';

const check = v.strictObject(
  {
    name: v.pipe(v.string(nameMessage), v.regex(/^[a-z0-9][a-z0-9._-]{0,63}$/i, nameMessage)),
    check: aFunction<HealthCheck["check"]>(),
    required: v.optional(v.boolean(booleanMessage)),
    timeoutMillis: v.optional(milliseconds(1)),
    cacheMillis: v.optional(milliseconds(0)),
  },
  "must be a check: { name, check, required, timeoutMillis, cacheMillis }",
);

const schema = v.strictObject({
  checks: v.optional(v.array(check, "must be a list of checks")),
  basePath: v.optional(v.pipe(v.string(pathMessage), v.regex(/^\/[^?#\s]*$/, pathMessage))),
  starting: v.optional(v.boolean(booleanMessage)),
  sdkChecks: v.optional(v.boolean(booleanMessage)),
  onChange: v.optional(aFunction<NonNullable<HealthOptions["onChange"]>>()),
});
