import { createHash } from "node:crypto";
import { ledgerColumns, valuesOf } from "../ledger-columns.ts";
import { ledgerError } from "../ledger-error.ts";
import type { LedgerRow } from "../ledger-row.ts";
import { columnType, keyColumns, quoted, tables, uniqueKey } from "./postgresql-names.ts";
import { type Rollup, rollups, type SumColumn, sums } from "../rollups.ts";

export interface AppendStatement {
  /** Unless told not to prepare: then every call is planned anew, which costs a millisecond or two. */
  readonly name?: string;
  readonly text: string;
}

/**
 * The one statement that writes a batch: the rows that are new go into `usage_events`, and what was written, no more, is added
 * to every rollup. Rows and buckets are taken in the order of their keys, so that two writers never wait for each other in a
 * ring. Takes {@link appendParameters}; answers one record of `written` and `expired`.
 */
export function appendStatement(schema: string, prepare: boolean): AppendStatement {
  const table = tables(schema);
  const columns = ledgerColumns.map(({ column }) => quoted(column));
  const input = ledgerColumns.map(({ column, type }) =>
    type === "time" ? `to_timestamp(${quoted(column)} / 1000.0) AS ${quoted(column)}` : quoted(column),
  );
  const arrays = ledgerColumns.map(
    ({ type }, index) => `$${index + 1}::${type === "time" ? "float8" : columnType[type]}[]`,
  );
  const text = `WITH input AS (
  SELECT ${input.join(", ")} FROM unnest(${arrays.join(", ")}) AS given(${columns.join(", ")})
), kept AS (
  SELECT * FROM input
  WHERE captured_at = 'epoch' OR captured_at >= coalesce((SELECT min(retained_from) FROM ${table("ledger_state")}), '-infinity')
), inserted AS (
  INSERT INTO ${table("usage_events")} (${columns.join(", ")})
  SELECT ${columns.join(", ")} FROM kept ORDER BY tenant, event_id
  ON CONFLICT DO NOTHING
  RETURNING ${returned.join(", ")}
), ${rollups.map((rollup) => upsert(rollup, table(rollup.table))).join(", ")}
SELECT (SELECT count(*)::int FROM inserted) AS written,
  (SELECT count(*)::int FROM input) - (SELECT count(*)::int FROM kept) AS expired`;
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

const returned = [
  "tenant",
  "occurred_at",
  "kind",
  "employee",
  "project",
  "provider",
  "model",
  "input_tokens",
  "output_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "reasoning_tokens",
  "cost_nano_usd",
  "cost_status",
  "unpriced",
  "inference_micros",
  "queue_micros",
  "is_success",
  "usage_source",
  "corrects",
];

function upsert(rollup: Rollup, table: string): string {
  const keys = keyColumns(rollup);
  const positions = keys.map((_, index) => index + 1).join(", ");
  const values = keys.map((key) => (key === "bucket_at" ? bucketOf(rollup) : textOf(key)));
  const added = sums.map((column) => `${column} = r.${column} + excluded.${column}`);
  return `${rollup.table} AS (
  INSERT INTO ${table} AS r (${[...keys, ...sums].join(", ")})
  SELECT ${[...values, ...sums.map((column) => contributions[column])].join(", ")}
  FROM inserted GROUP BY ${positions} ORDER BY ${positions}
  ON CONFLICT (${uniqueKey(rollup)}) DO UPDATE SET ${added.join(", ")}, updated_at = now()
)`;
}

/** Compared byte by byte, as in the rollup's index: sorting by a language's rules takes many times as long. */
function textOf(key: string): string {
  return `coalesce(${key}, '') COLLATE "C"`;
}

/** In UTC whatever the session's time zone: buckets are counted from the Unix epoch on. */
function bucketOf({ seconds }: Rollup): string {
  return `date_bin('${seconds ?? 0} seconds', occurred_at, 'epoch')`;
}

/** What `contributionOf` says, in SQL. */
const contributions: Readonly<Record<SumColumn, string>> = {
  records: "count(*)",
  events: "count(*) FILTER (WHERE corrects IS NULL)",
  successes: "count(*) FILTER (WHERE corrects IS NULL AND is_success)",
  errors: "count(*) FILTER (WHERE corrects IS NULL AND NOT is_success)",
  estimated:
    "count(*) FILTER (WHERE corrects IS NULL AND (cost_status = 'estimated' OR usage_source IN ('estimated', 'partial')))",
  unpriced: "sum(unpriced)",
  input_tokens: "coalesce(sum(input_tokens), 0)",
  output_tokens: "coalesce(sum(output_tokens), 0)",
  cache_read_tokens: "coalesce(sum(cache_read_tokens), 0)",
  cache_write_tokens: "coalesce(sum(cache_write_tokens), 0)",
  reasoning_tokens: "coalesce(sum(reasoning_tokens), 0)",
  cost_nano_usd: "coalesce(sum(cost_nano_usd), 0)",
  timed: "count(inference_micros) FILTER (WHERE corrects IS NULL)",
  inference_micros: "coalesce(sum(inference_micros) FILTER (WHERE corrects IS NULL), 0)",
  queue_micros: "coalesce(sum(queue_micros) FILTER (WHERE corrects IS NULL), 0)",
};
