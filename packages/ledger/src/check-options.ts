import * as v from "valibot";
import { shown } from "./queries/query-error.ts";

/**
 * The options as the schema gives them.
 * @throws Error of one line that says whose option it is, which, what it must be, and what was found.
 */
export function checkOptions<Schema extends v.GenericSchema & { readonly entries: v.ObjectEntries }>(
  whose: string,
  schema: Schema,
  options: unknown,
): v.InferOutput<Schema> {
  const checked = v.safeParse(schema, options);
  if (checked.success) return checked.output;
  const [issue] = checked.issues;
  const key: unknown = issue.path?.[0]?.key;
  if (typeof key !== "string")
    throw new Error(`[meterbridge] ${whose} options must be an object, found ${shown(options)}`);
  const option = `[meterbridge] ${whose} option ${shown(key)}`;
  if (!Object.hasOwn(schema.entries, key)) {
    throw new Error(`${option} is unknown, the options are ${Object.keys(schema.entries).join(", ")}`);
  }
  if (issue.type === "strict_object") throw new Error(`${option} is missing`);
  // An address may hold a password.
  const found = /url$/i.test(key) ? "" : `, found ${shown(issue.input)}`;
  throw new Error(`${option} ${issue.message}${found}`);
}

/** An optional whole number with a default. */
export function wholeNumber(
  least: number,
  most: number,
  usual: number,
): v.OptionalSchema<v.GenericSchema<number>, number> {
  const message = `must be a whole number from ${least} to ${most}`;
  return v.optional(
    v.pipe(v.number(message), v.integer(message), v.minValue(least, message), v.maxValue(most, message)),
    usual,
  );
}

const monthsMessage = "must be a whole number of months from 1 to 1200";

/** How long rows are kept. */
export const months: v.OptionalSchema<v.GenericSchema<number>, undefined> = v.optional(
  v.pipe(
    v.number(monthsMessage),
    v.integer(monthsMessage),
    v.minValue(1, monthsMessage),
    v.maxValue(1200, monthsMessage),
  ),
);
