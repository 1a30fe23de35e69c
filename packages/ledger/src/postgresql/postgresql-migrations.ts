import { ledgerColumns } from "../ledger-columns.ts";
import { columnType, firstTime, keyColumns, quoted, tables, uniqueKey } from "./postgresql-names.ts";
import { type Rollup, rollups, sums } from "../rollups.ts";

/** What makes version n of the schema from version n - 1, as statements for one transaction. Never changed once released. */
export type Migration = (schema: string) => readonly string[];

/** The first makes version 1. */
export const migrations: readonly Migration[] = [firstVersion];

function firstVersion(schema: string): readonly string[] {
  const table = tables(schema);
  return [
    // Neither has a key, so that no unique key is without a tenant: each holds one row from here on.
    `CREATE TABLE ${table("ledger_state")} (retained_from timestamptz)`,
    `INSERT INTO ${table("ledger_state")} VALUES (NULL)`,
    `CREATE TABLE ${table("usage_events")} (
      ${ledgerColumns.map(definition).join(", ")},
      recorded_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (tenant, event_id, captured_at)
    ) PARTITION BY RANGE (captured_at)`,
    `CREATE TABLE ${table("usage_events_default")} PARTITION OF ${table("usage_events")} DEFAULT`,
    // Apart from the default partition, which is locked and read whole whenever a month is made, while these only ever get more.
    `CREATE TABLE ${table("usage_events_timeless")} PARTITION OF ${table("usage_events")} FOR VALUES FROM ('epoch') TO ('${firstTime}')`,
    `CREATE INDEX ON ${table("usage_events")} (tenant, occurred_at, event_id)`,
    ...["project", "process"].map(
      (column) =>
        `CREATE INDEX ON ${table("usage_events")} (tenant, ${column}, occurred_at, event_id) WHERE ${column} IS NOT NULL`,
    ),
    ...rollups.flatMap((rollup) => rollupTable(rollup, table(rollup.table))),
    dailyUsage(table("daily_usage_metrics"), table("usage_days")),
  ];
}

/** Keys are compared byte by byte: another collation is slower, and may call two texts equal, or change with the system. */
function definition({ column, type, nullable }: (typeof ledgerColumns)[number]): string {
  const collation = column === "tenant" || column === "event_id" ? ' COLLATE "C"' : "";
  return `${quoted(column)} ${columnType[type]}${collation}${nullable ? "" : " NOT NULL"}`;
}

/** Room is left on each page, so that an update stays on it and touches no index. */
function rollupTable(rollup: Rollup, name: string): readonly string[] {
  const keys = keyColumns(rollup);
  return [
    `CREATE TABLE ${name} (
      ${keys.map((key) => (key === "bucket_at" ? "bucket_at timestamptz NOT NULL" : `${key} text COLLATE "C" NOT NULL`)).join(", ")},
      ${sums.map((column) => `${column} bigint NOT NULL`).join(", ")},
      updated_at timestamptz NOT NULL DEFAULT now()
    ) WITH (fillfactor = 70)`,
    `CREATE UNIQUE INDEX ${quoted(`${rollup.table}_key`)} ON ${name} (${uniqueKey(rollup)})`,
    // A primary key takes no expressions, and without one updates fail in a database that publishes all its tables.
    `ALTER TABLE ${name} REPLICA IDENTITY FULL`,
  ];
}

/** Durations and the success ratio are those of tasks; null where there were none. */
function dailyUsage(view: string, days: string): string {
  const ofTasks = (column: string): string => `coalesce(sum(${column}) FILTER (WHERE kind = 'task'), 0)`;
  return `CREATE VIEW ${view} AS
    SELECT (bucket_at AT TIME ZONE 'UTC')::date AS day, tenant, employee,
      ${ofTasks("events")}::bigint AS tasks,
      round(${ofTasks("inference_micros")} / 1000)::bigint AS total_duration_ms,
      (${ofTasks("inference_micros")} / 1000 / nullif(${ofTasks("timed")}, 0))::float8 AS average_duration_ms,
      sum(input_tokens + output_tokens)::bigint AS tokens,
      coalesce(sum(events) FILTER (WHERE kind = 'tool_call'), 0)::bigint AS tool_calls,
      sum(errors)::bigint AS errors,
      (${ofTasks("successes")} / nullif(${ofTasks("events")}, 0))::float8 AS success_ratio,
      max(updated_at) AS updated_at
    FROM ${days} GROUP BY bucket_at, tenant, employee`;
}
