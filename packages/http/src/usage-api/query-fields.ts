import * as v from "valibot";

/** A parameter as it comes, a text, and what it becomes. The message begins with "must be". */
export type QueryField<Value> = v.GenericSchema<string, Value>;

export const tenant: QueryField<string> = name("The tenant whose figures. With a tenant's token it may be left out.");
export const project: QueryField<string> = name("Only what belongs to this project.");
export const employee: QueryField<string> = name("Only what this employee did.");
export const process: QueryField<string> = name("Only what belongs to this process.");
export const from: QueryField<string> = moment(
  "Where it begins: a local date, or a time with its offset on a quarter hour. Left out: the first day of this month.",
);
export const to: QueryField<string> = moment(
  "Where it ends: a date is included whole, a time is not. Left out: today.",
);

export const timeZone: QueryField<string> = v.pipe(
  v.string(),
  v.check(isTimeZone, "must be an IANA name such as Europe/Berlin"),
  v.description("Whose days, weeks and months. Left out: the time zone of the API."),
);

/** Whole numbers only: `1e9`, `1.5`, `0x1` and ` 1` are none. */
export function wholeNumber(least: number, most: number, description: string): QueryField<number> {
  const message = `must be a whole number from ${least} to ${most}`;
  return v.pipe(
    v.string(message),
    v.regex(/^-?\d{1,9}$/, message),
    v.transform(Number),
    v.number(),
    v.integer(message),
    v.minValue(least, message),
    v.maxValue(most, message),
    v.description(description),
  );
}

export function oneOf<const Values extends readonly string[]>(
  values: Values,
  description: string,
): QueryField<Values[number]> {
  const message = `must be ${values.slice(0, -1).join(", ")} or ${values.at(-1)}`;
  return v.pipe(v.picklist(values, message), v.description(description));
}

export function yesOrNo(description: string): QueryField<boolean> {
  return v.pipe(
    v.picklist(["true", "false"], "must be true or false"),
    v.transform((value) => value === "true"),
    v.boolean(),
    v.description(description),
  );
}

export const cursor: QueryField<string> = v.pipe(
  v.string(),
  v.regex(/^[\w-]{1,3000}$/, "must be the cursor of the page before"),
  v.description("The cursor of the page before."),
);

/** Offsets such as +05:30 are none. */
export function isTimeZone(value: string): boolean {
  if (!/^[A-Z][\w+/-]{0,63}$/i.test(value)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: value }).resolvedOptions();
    return true;
  } catch {
    return false;
  }
}

/** What a ledger keeps: PostgreSQL takes no NUL, and no half of a surrogate pair. */
function name(description: string): QueryField<string> {
  const message = "must be a text of 1 to 255 characters without NUL";
  return v.pipe(
    v.string(),
    v.minLength(1, message),
    v.maxLength(255, message),
    v.check((value) => !value.includes("\0") && value.isWellFormed(), message),
    v.description(description),
  );
}

function moment(description: string): QueryField<string> {
  return v.pipe(
    v.string(),
    v.regex(
      /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/,
      "must be an ISO 8601 date, or a time with its offset: 2026-11-21 or 2026-11-21T10:15:00Z",
    ),
    v.description(description),
  );
}
