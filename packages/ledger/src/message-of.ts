/** What went wrong, in one piece of text without the name that stands before it already. */
export function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/^\[meterbridge\] (?:\[ledger\] )?/, "").slice(0, 400);
}
