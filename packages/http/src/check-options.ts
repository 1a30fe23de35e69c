import * as v from "valibot";

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
  const path = (issue.path ?? []).map(({ key }) => String(key));
  const [name] = path;
  if (name === undefined) throw new Error(`[meterbridge] [http] the options of ${whose} must be an object`);
  const option = `[meterbridge] [http] ${whose}: option "${path.join(".")}"`;
  // So valibot says of a key that an object must not have, and of one that it must.
  if (issue.expected === "never") {
    const known = path.length === 1 ? `, the options are ${Object.keys(schema.entries).join(", ")}` : "";
    throw new Error(`${option} is unknown${known}`);
  }
  if (issue.expected?.startsWith('"') === true) throw new Error(`${option} is missing`);
  throw new Error(`${option} ${issue.message}, found ${shown(issue.input)}`);
}

/** A value as a message may show it: on one line and short. Of what is no plain value, its type alone. */
export function shown(value: unknown): string {
  if (typeof value === "string") {
    const text = JSON.stringify(value.slice(0, longest).toWellFormed()).replaceAll(/[\u007F-\u009F\u2028\u2029]/g, "?");
    return value.length > longest ? `${text.slice(0, -1)}…"` : text;
  }
  if (value === null || typeof value !== "object") return typeof value === "function" ? "a function" : String(value);
  return Array.isArray(value) ? "an array" : "an object";
}

/** A whole number of milliseconds that a timer takes. */
export function milliseconds(least: number): v.GenericSchema<number> {
  const message = `must be a whole number of milliseconds from ${least} to ${longestTimer}`;
  return v.pipe(v.number(message), v.integer(message), v.minValue(least, message), v.maxValue(longestTimer, message));
}

/** A function, of which nothing else can be known beforehand. */
export function aFunction<Type>(): v.GenericSchema<Type> {
  return v.custom<Type>((value) => typeof value === "function", "must be a function");
}

const longest = 60;
/** What is longer, Node.js takes for a millisecond. */
const longestTimer = 2 ** 31 - 1;
