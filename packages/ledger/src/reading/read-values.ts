import type { UsageSums } from "../ledger-store.ts";
import type { Piece, ReadDialect, SqlRecord } from "./read-dialect.ts";
import { type SumColumn, sums } from "../rollups.ts";

export type Totals = Record<SumColumn, bigint>;

/**
 * In PostgreSQL, what every bucket adds up to over tenants and other groups: `add_up` is faster than `sum`, and fails beyond 2^63,
 * which is far from any count of a bucket. Money has the sum that cannot fail.
 */
export function bucketSumsOf({ sql, column, table }: ReadDialect, from: string): Piece {
  const added = sums.map((name) => {
    const values = column(from, name);
    return sql`${name === "cost_nano_usd" ? sql`sum(${values})` : sql`${table("add_up")}(${values})`} AS ${sql.id(name)}`;
  });
  return sql.join(added);
}

/** Each sum of a record as it is, for the answer. */
export function answeredColumnsOf({ sql, column, integer: answered }: ReadDialect, from: string): Piece {
  return sql.join(sums.map((name) => sql`${answered(column(from, name))} AS ${sql.id(name)}`));
}

/** `sum(column) AS column` for every sum of a rollup, for the answer. */
export function answeredSumsOf({ sql, column, integer: answered }: ReadDialect, table: string): Piece {
  return sql.join(sums.map((name) => sql`${answered(sql`sum(${column(table, name)})`)} AS ${sql.id(name)}`));
}

/** The sums in a record, added to `to` or taken from it. Databases give integers as numbers, bigints or texts. */
export function addTotals(to: Totals | undefined, record: SqlRecord, sign: 1 | -1 = 1): Totals {
  const totals = {} as Totals;
  for (const name of sums) totals[name] = (to?.[name] ?? 0n) + BigInt(sign) * integer(record[name]);
  return totals;
}

/** As a query gives them: money exact, all else as a number. */
export function usageSums(totals: Totals): UsageSums {
  return {
    records: Number(totals.records),
    events: Number(totals.events),
    successes: Number(totals.successes),
    errors: Number(totals.errors),
    estimated: Number(totals.estimated),
    unpriced: Number(totals.unpriced),
    inputTokens: Number(totals.input_tokens),
    outputTokens: Number(totals.output_tokens),
    cacheReadTokens: Number(totals.cache_read_tokens),
    cacheWriteTokens: Number(totals.cache_write_tokens),
    reasoningTokens: Number(totals.reasoning_tokens),
    costNanoUsd: totals.cost_nano_usd,
    timed: Number(totals.timed),
    inferenceMicros: Number(totals.inference_micros),
    queueMicros: Number(totals.queue_micros),
  };
}

export function integer(value: unknown): bigint {
  return BigInt((value ?? 0) as string | number | bigint);
}
