/** Makes the error of a query, or of a proof tool, that was asked for what it cannot tell. The message names the parameter. */
export function queryError(message: string): RangeError {
  return Object.assign(new RangeError(`[meterbridge] [ledger] ${message}`), { [brand]: true as const });
}

/**
 * Whether the question was wrong, and not the ledger: what an HTTP API answers with 400. Known by its brand, never by
 * `instanceof`: the package may be there twice.
 */
export function isQueryError(error: unknown): error is RangeError {
  return error instanceof Error && (error as { [brand]?: unknown })[brand] === true;
}

/** A value as a message may show it: on one line, without control characters, cut to 60 characters. */
export function shown(value: unknown): string {
  if (value === null || typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") {
    return String(value);
  }
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "an invalid Date" : value.toISOString();
  if (value === undefined) return "undefined";
  if (typeof value !== "string") return Array.isArray(value) ? "an array" : `a value of type ${typeof value}`;
  const text = JSON.stringify(value.slice(0, longest).toWellFormed()).replaceAll(/[\u007F-\u009F\u2028\u2029]/g, "?");
  return value.length > longest ? `${text.slice(0, -1)}…"` : text;
}

const longest = 60;
const brand: unique symbol = Symbol.for("meterbridge.ledger.query.error");
