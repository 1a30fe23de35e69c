import { dimensions, type Rollup, rollups } from "../rollups.ts";
import type { LedgerColumn } from "../ledger-columns.ts";

/** Everything that the schema holds by a fixed name. Partitions of `usage_events` carry their month besides. */
export const relationNames: readonly string[] = [
  "ledger_schema",
  "ledger_state",
  "usage_events",
  "usage_events_default",
  "usage_events_timeless",
  ...rollups.map(({ table }) => table),
  // Of version 1.
  "usage_hours",
  "daily_usage_metrics",
];

/** Qualifies a table with the schema, so that nothing depends on anybody's search_path. */
export function tables(schema: string): (table: string) => string {
  return (table) => `${quoted(schema)}.${quoted(table)}`;
}

/** An identifier in quotes, whatever is in it. */
export function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

/** A text in quotes, for statements that take no parameters. */
export function literal(text: string): string {
  return `E'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}

export const columnType: Readonly<Record<LedgerColumn["type"], string>> = {
  text: "text",
  integer: "bigint",
  time: "timestamptz",
  boolean: "boolean",
};

/** From when on a row's `captured_at` is a time: what is before is the epoch itself, for ids that carry none. */
export const firstTime = "1970-01-01 00:00:00.001+00";

/** What a rollup's buckets are told apart by: the tenant, then the bucket, then the other dimensions. */
export function keyColumns({ seconds, dimensions: named }: Rollup): string[] {
  const others = dimensions.filter((name) => name !== "tenant" && named.includes(name));
  return ["tenant", ...(seconds === null ? [] : ["bucket_at"]), ...others];
}

/**
 * A rollup's unique key, for its index and for ON CONFLICT. An index takes 2.7 kB, and long texts may be longer together, so each of
 * them is there by its digest: at a length that no shorter text has, so that the two are never taken for each other.
 */
export function uniqueKey(rollup: Rollup): string {
  const short = (key: string): string =>
    `(CASE WHEN octet_length(${key}) < 256 THEN ${key} ELSE repeat(md5(${key}), 8) END)`;
  const isShort = (key: string): boolean => ["tenant", "bucket_at", "kind"].includes(key);
  return keyColumns(rollup)
    .map((key) => (isShort(key) ? key : short(key)))
    .join(", ");
}

/** The start of a time's bucket, in UTC whatever the session's time zone: buckets are counted from the Unix epoch on. */
export function bucketOf(seconds: number, time: string): string {
  return `date_bin('${seconds} seconds', ${time}, 'epoch')`;
}
