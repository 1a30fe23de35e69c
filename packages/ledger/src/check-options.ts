import * as v from "valibot";

/**
 * The options as the schema gives them.
 * @throws Error of one line that says whose option it is, which, what it must be, and what was found.
 */
export function checkOptions<Schema extends v.GenericSchema>(
  whose: string,
  schema: Schema,
  options: unknown,
): v.InferOutput<Schema> {
  const checked = v.safeParse(schema, options);
  if (checked.success) return checked.output;
  const [issue] = checked.issues;
  const found = JSON.stringify(issue.input) ?? typeof issue.input;
  throw new Error(`[meterbridge] ${whose} option "${nameOf(issue.path?.[0]?.key)}" ${issue.message}, found ${found}`);
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

function nameOf(key: unknown): string {
  return typeof key === "string" ? key : "";
}
