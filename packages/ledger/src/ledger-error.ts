/**
 * Why a store, spool or counter did not do it. `unavailable`: out of reach, full or too slow; the same may work later.
 * `refused`: it will never work as it is: data the database does not take, tables of a newer version.
 */
export type LedgerErrorReason = "unavailable" | "refused";

/** An error of the ledger's parts, known by its brand, never by `instanceof`: the package may be there twice. */
export interface LedgerStoreError extends Error {
  readonly [brand]: LedgerErrorReason;
}

/** Makes one. The message says who, what and what to do: `[meterbridge] [ledger] [sqlite] …`. */
export function ledgerError(reason: LedgerErrorReason, message: string, cause?: unknown): LedgerStoreError {
  return Object.assign(new Error(message, { cause }), { [brand]: reason });
}

/** The reason of such an error; undefined for any other. */
export function ledgerErrorReason(error: unknown): LedgerErrorReason | undefined {
  return error instanceof Error ? (error as Partial<LedgerStoreError>)[brand] : undefined;
}

const brand: unique symbol = Symbol.for("meterbridge.ledger.error");
