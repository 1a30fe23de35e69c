/** How a store's error says why, as `ledgerError` of `@meterbridge/ledger` writes it: known by its brand from any copy. */
const reason: unique symbol = Symbol.for("meterbridge.ledger.error");

export function refusal(message: string): Error {
  return Object.assign(new Error(message), { [reason]: "refused" });
}

export function reasonOf(error: unknown): unknown {
  return error instanceof Error ? (error as Partial<Record<typeof reason, unknown>>)[reason] : undefined;
}
