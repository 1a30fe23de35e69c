/** What went wrong, in one piece of text without the name that stands before it already. */
export function messageOf(error: unknown): string {
  return textOf(error)
    .replace(/^\[meterbridge\] (?:\[ledger\] )?/, "")
    .slice(0, 400);
}

/** Anything can be thrown, also what has no text, or one that throws when it is asked for. */
function textOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error);
  } catch {
    return `an error without a text (${typeof error})`;
  }
}
