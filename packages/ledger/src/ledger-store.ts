import type { LedgerRow, UsageKind } from "./ledger-row.ts";
import type { Dimension } from "./rollups.ts";

/**
 * Where the ledger keeps its rows. An implementation is right when it passes `testLedgerStore` of `@meterbridge/testkit`.
 * All methods but `close` may be called before `open` has resolved, and then wait for it.
 */
export interface LedgerStore {
  /** For messages: `sqlite`, `postgresql`. */
  readonly name: string;
  /** Where it is, without user, password or query: for messages and the status line. */
  readonly location: string;
  /** How many appends may be under way at once. */
  readonly concurrency: number;
  /**
   * Opens it, makes the tables, or upgrades them. Safe from several processes at once. Rejects as `unavailable` when it cannot
   * be reached, as `refused` when the tables are of a newer version or somebody else's. May be called again after it failed.
   */
  open(): Promise<void>;
  /**
   * Writes the rows and their rollups in one transaction, all or nothing, and resolves when they are durable. Rows whose
   * (tenant, eventId) is there already add nothing, in the same batch too. Rejects with a {@link LedgerStoreError}: `refused` when
   * one of these rows will never be taken, whoever sends it then drops that row; else `unavailable`, also where the tables are at fault.
   */
  append(rows: readonly LedgerRow[]): Promise<AppendResult>;
  /**
   * Appends from inside an `exit` listener, where no promise resolves any more: blocks for `timeoutMillis` at most, and
   * returns undefined when it cannot say that the rows are durable. Absent where a store cannot do that.
   */
  appendSync?(rows: readonly LedgerRow[], timeoutMillis: number): AppendResult | undefined;
  /** Adds up rollups. One row per period and combination of `groupBy` in which something happened; in no order. */
  sums(query: SumsQuery): Promise<readonly SumsRow[]>;
  /** All-time totals by kind, of tenants or of employees. */
  totals(query: TotalsQuery): Promise<readonly TotalsRow[]>;
  /** Every tenant that has rows or rollups, in the order of their code points, as every database can give it. */
  tenants(): Promise<readonly string[]>;
  /** One page of a tenant's rows. */
  rows(query: RowsQuery): Promise<readonly LedgerRow[]>;
  /**
   * Adds the rows up anew and holds that against each rollup, one consistent look per tenant and day. `usage_totals` and
   * `usage_model_blocks` are held against the sums of days instead, since rows are subject to retention and rollups are not.
   */
  recount(query: RecountQuery): Promise<readonly RollupDifference[]>;
  /**
   * Forgets rows captured before the month of this moment (UTC), keeps their rollups, and takes rows of those months no more.
   * Rows whose id carries no time stay, since nothing else could tell their replay from news.
   */
  retain(from: Date): Promise<void>;
  /** The moment before which rows have been forgotten; undefined when none have. */
  retainedFrom(): Promise<Date | undefined>;
  /** Ends it, after what is under way. Later calls reject. Idempotent. */
  close(): Promise<void>;
}

export interface AppendResult {
  readonly written: number;
  /** Rows that were there already. */
  readonly duplicates: number;
  /** Rows of months that retention has dropped: not written. */
  readonly expired: number;
}

/** Exact values; null means "not known". Left out: any. */
export type UsageFilter = { readonly [Name in Exclude<Dimension, "kind">]?: string | null } & {
  readonly kind?: UsageKind;
};

export interface SumsQuery {
  /**
   * Ascending moments on quarter hours, in Unix milliseconds: n + 1 of them bound n periods, each from its start to before
   * its end.
   */
  readonly boundaries: readonly number[];
  readonly filter?: UsageFilter;
  readonly groupBy?: readonly Dimension[];
}

/** Integers. Tokens and durations beyond 2^53 lose their last digits; money does not. */
export interface UsageSums {
  readonly records: number;
  readonly events: number;
  readonly successes: number;
  readonly errors: number;
  readonly estimated: number;
  readonly unpriced: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  readonly reasoningTokens: number;
  readonly costNanoUsd: bigint;
  readonly timed: number;
  readonly inferenceMicros: number;
  readonly queueMicros: number;
}

export interface SumsRow {
  /** Which period: 0 is from `boundaries[0]` to `boundaries[1]`. */
  readonly period: number;
  /** The values of `groupBy`, and no others. Null: not known. */
  readonly group: { readonly [Name in Dimension]?: string | null };
  readonly sums: UsageSums;
}

export type TotalsQuery =
  | { readonly tenants: readonly string[] }
  | { readonly employees: readonly { readonly tenant: string; readonly employee: string }[] };

export interface TotalsRow {
  readonly tenant: string;
  /** Null for a tenant's total. */
  readonly employee: string | null;
  readonly kind: UsageKind;
  readonly sums: UsageSums;
}

export interface RowsQuery {
  readonly tenant: string;
  readonly filter?: { readonly project?: string; readonly process?: string; readonly kind?: UsageKind };
  /** Only rows that are no success. Default false. */
  readonly errorsOnly?: boolean;
  /** Unix milliseconds; from included, to excluded. */
  readonly from?: number;
  readonly to?: number;
  /** By (occurredAt, eventId), ids by their code points. */
  readonly order: "newest-first" | "oldest-first";
  /** The last row of the page before. */
  readonly after?: { readonly occurredAt: number; readonly eventId: string };
  readonly limit: number;
}

export interface RecountQuery {
  /** Unix milliseconds on UTC days; from included, to excluded. */
  readonly from: number;
  readonly to: number;
  readonly tenant?: string;
}

/** A bucket whose rollup is not what its rows add up to. */
export interface RollupDifference {
  readonly table: string;
  readonly tenant: string;
  /** Unix milliseconds; null for totals. */
  readonly bucketAt: number | null;
  /** The other dimensions of the bucket. */
  readonly group: { readonly [Name in Dimension]?: string | null };
  /** The columns that differ, by their names in the table: what the rows add up to, and what the rollup says. */
  readonly columns: Readonly<Record<string, { readonly rows: bigint; readonly rollup: bigint }>>;
}
