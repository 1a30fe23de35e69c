import { createHash } from "node:crypto";
import { ledgerColumns, valuesOf } from "../ledger-columns.ts";
import { ledgerError } from "../ledger-error.ts";
import type { LedgerRow } from "../ledger-row.ts";
import { bucketOf, columnType, keyColumns, quoted, tables, uniqueKey } from "./postgresql-names.ts";
import { contributionInSql } from "../reading/read-contribution.ts";
import { dimensions, foldingOrder, type Rollup, sums } from "../rollups.ts";

export interface AppendStatement {
  /** Unless told not to prepare: then every call is planned anew, which costs a millisecond or two. */
  readonly name?: string;
  readonly text: string;
}

/**
 * The one statement that writes a batch: the rows that are new go into `usage_events`, and what was written, no more, is added
 * to every rollup, each folded from the next finer one. Rows and buckets are taken in the order of their keys, so that two writers
 * never wait for each other in a ring. Takes {@link appendParameters}; answers one record of `written` and `expired`.
 */
export function appendStatement(schema: string, prepare: boolean): AppendStatement {
  const table = tables(schema);
  const columns = ledgerColumns.map(({ column }) => quoted(column));
  const input = ledgerColumns.map(({ column, type }) =>
    type === "time" ? `to_timestamp(${quoted(column)} / 1000.0)` : quoted(column),
  );
  const arrays = ledgerColumns.map(
    ({ type }, index) => `$${index + 1}::${type === "time" ? "float8" : columnType[type]}[]`,
  );
  const capturedAt = ledgerColumns.findIndex(({ field }) => field === "capturedAt");
  const horizon = `coalesce((SELECT extract(epoch FROM min(retained_from))::float8 * 1000 FROM ${table("ledger_state")}), '-infinity')`;
  const folds = foldingOrder.map(([rollup, source]) => fold(rollup, source, table("add_up")));
  // PostgreSQL goes through them from the last to the first. The coarsest buckets, which most writers wait for, are held shortest.
  const upserts = foldingOrder.map(([rollup]) => upsert(rollup, table(rollup.table))).toReversed();
  const text = `WITH inserted AS (
  INSERT INTO ${table("usage_events")} (${columns.join(", ")})
  SELECT ${input.join(", ")} FROM unnest(${arrays.join(", ")}) AS given(${columns.join(", ")})
  WHERE captured_at = 0 OR captured_at >= ${horizon} ORDER BY tenant COLLATE "C", event_id COLLATE "C"
  ON CONFLICT DO NOTHING
  RETURNING ${contributions.join(", ")}
), ${[...folds, ...upserts].join(", ")}
SELECT (SELECT count(*)::int FROM inserted) AS written,
  (SELECT count(*)::int FROM unnest(${arrays[capturedAt]}) AS given(captured_at)
   WHERE captured_at <> 0 AND captured_at < ${horizon}) AS expired`;
  if (!prepare) return { text };
  // Two stores of different schemas may share a pool, and a name stands for one text per connection.
  return { name: `meterbridge_append_${createHash("sha256").update(text).digest("hex").slice(0, 16)}`, text };
}

/**
 * The rows as an array per column, in PostgreSQL's own notation: half the work of JSON, for both sides.
 *
 * @throws A `refused` error for a text that is not well-formed, which would be another one once it is sent.
 */
export function appendParameters(rows: readonly LedgerRow[]): string[] {
  const arrays = ledgerColumns.map(() => "");
  for (const row of rows) {
    for (const [index, value] of valuesOf(row).entries()) {
      arrays[index] +=
        `${arrays[index] === "" ? "{" : ","}${typeof value === "string" ? quotedElement(value) : String(value)}`;
    }
  }
  for (const [index, array] of arrays.entries()) {
    if (array.isWellFormed()) continue;
    const found = `a ${ledgerColumns[index]?.field ?? "text"} with half a surrogate pair`;
    throw ledgerError("refused", `[meterbridge] [ledger] [postgresql] texts must be well-formed, found ${found}`);
  }
  return arrays.map((array) => `${array}}`);
}

/** In quotes, so that the text "NULL" and the empty one stay what they are. */
function quotedElement(text: string): string {
  return `"${/["\\]/.test(text) ? text.replaceAll(/["\\]/g, "\\$&") : text}"`;
}

/** What a row adds to the finest rollup. Texts are compared byte by byte: a language's rules take many times as long. */
const contributions = [
  `${bucketOf(foldingOrder[0]?.[0].seconds ?? 0, "occurred_at")} AS bucket_at`,
  ...dimensions.map((name) => `coalesce(${name}, '') COLLATE "C" AS ${name}`),
  ...sums.map((name) => `(${contributionInSql[name]})::bigint AS ${name}`),
];

/** The groups of a batch in a rollup: `added_…`. */
function fold(rollup: Rollup, source: Rollup | undefined, addUp: string): string {
  const keys = keyColumns(rollup);
  const isCoarser = rollup.seconds !== source?.seconds && source !== undefined;
  const bucket = isCoarser ? `${bucketOf(rollup.seconds ?? 0, "bucket_at")} AS bucket_at` : "bucket_at";
  const values = keys.map((key) => (key === "bucket_at" ? bucket : key));
  const added = sums.map((name) => `${addUp}(${name}) AS ${name}`);
  return `added_${rollup.table} AS (
  SELECT ${[...values, ...added].join(", ")} FROM ${source === undefined ? "inserted" : `added_${source.table}`}
  GROUP BY ${keys.map((_, index) => index + 1).join(", ")}
)`;
}

function upsert(rollup: Rollup, table: string): string {
  const keys = keyColumns(rollup);
  const columns = [...keys, ...sums].join(", ");
  const added = sums.map((column) => `${column} = r.${column} + excluded.${column}`);
  return `${rollup.table} AS (
  INSERT INTO ${table} AS r (${columns})
  SELECT ${columns} FROM added_${rollup.table} ORDER BY ${keys.join(", ")}
  ON CONFLICT (${uniqueKey(rollup)}) DO UPDATE SET ${added.join(", ")}, updated_at = now()
)`;
}
