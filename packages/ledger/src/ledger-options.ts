import * as v from "valibot";
import { checkOptions, months, wholeNumber } from "./check-options.ts";
import type { LedgerRow } from "./ledger-row.ts";
import type { LedgerStore } from "./ledger-store.ts";
import type { Spool } from "./spool/spool.ts";

export interface LedgerOptions {
  /** Where rows are kept: `sqliteStore()`, `postgresqlStore()`, or one of your own. */
  readonly store: LedgerStore;
  /** Where events wait while the store is away: `openSpool({ directory })`. Without one they wait in memory, up to `queueLimit`. */
  readonly spool?: Spool | undefined;
  /** Hot counters that follow the store. */
  readonly counters?: LedgerCounters | undefined;
  /** The tenant of events without one. Default `default`. */
  readonly defaultTenant?: string | undefined;
  /** Milliseconds after which a batch is written though it is not full. Default 20. */
  readonly flushIntervalMillis?: number | undefined;
  /** Most events written at once. Larger batches cost less for each, and hold the event loop longer: 2000 twice about 3 ms. Default 2000. */
  readonly batchSize?: number | undefined;
  /** Most events kept in memory; more are lost, counted and told. Default 100 000, about 100 MB. */
  readonly queueLimit?: number | undefined;
  /** Milliseconds after which the store counts as away. Default 5000. */
  readonly appendTimeoutMillis?: number | undefined;
  /**
   * Forgets rows captured more whole months ago (UTC); their sums stay, and so do rows whose id carries no time. Default: none is
   * forgotten.
   */
  readonly retentionMonths?: number | undefined;
}

/** What follows the rows that were written, such as the hot counters in Redis. */
export interface LedgerCounters {
  /** Rows of these tenants and employees are in the store now. Returns at once; never throws. */
  touched(rows: readonly Pick<LedgerRow, "tenant" | "employee">[]): void;
  /** Ends within so many milliseconds. */
  close(timeoutMillis: number): Promise<void>;
}

/** The options with their defaults. */
export interface CheckedLedgerOptions {
  readonly store: LedgerStore;
  readonly spool: Spool | undefined;
  readonly counters: LedgerCounters | undefined;
  readonly defaultTenant: string;
  readonly flushIntervalMillis: number;
  readonly batchSize: number;
  readonly queueLimit: number;
  readonly appendTimeoutMillis: number;
  readonly retentionMonths: number | undefined;
}

/** @throws Error of one line that names the option, what was found, and what it must be. */
export function checkLedgerOptions(options: LedgerOptions): CheckedLedgerOptions {
  const { store, spool, counters, ...rest } = options;
  const checked = checkOptions("[ledger]", optionsSchema, rest);
  if (typeof store?.append !== "function") {
    throw new Error(`[meterbridge] [ledger] option "store" must be a store, such as sqliteStore({ file })`);
  }
  return { store, spool, counters, retentionMonths: undefined, ...checked };
}

const optionsSchema = v.strictObject({
  defaultTenant: v.optional(
    v.pipe(
      v.string("must be a text"),
      v.minLength(1, "must not be empty"),
      v.maxLength(255, "must have 255 characters at most"),
    ),
    "default",
  ),
  flushIntervalMillis: wholeNumber(1, 60_000, 20),
  batchSize: wholeNumber(1, 5000, 2000),
  queueLimit: wholeNumber(1, 10_000_000, 100_000),
  appendTimeoutMillis: wholeNumber(10, 600_000, 5000),
  retentionMonths: months,
});
