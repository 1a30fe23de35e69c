import { dimensions, type Rollup, rollups } from "./rollups.ts";
import type { LedgerColumn } from "./ledger-columns.ts";

/** Everything that the schema holds by a fixed name. Partitions of `usage_events` carry their month besides. */
export const relationNames: readonly string[] = [
  "ledger_schema",
  "ledger_state",
  "usage_events",
  "usage_events_default",
  ...rollups.map(({ table }) => table),
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

/** A rollup's primary key: the tenant, then the bucket, then the other dimensions. */
export function keyColumns({ seconds, dimensions: named }: Rollup): string[] {
  const others = dimensions.filter((name) => name !== "tenant" && named.includes(name));
  return ["tenant", ...(seconds === null ? [] : ["bucket_at"]), ...others];
}
