import { bucketOf, firstTime, keyColumns, quoted, tables, uniqueKey } from "./postgresql-names.ts";
import type { Dimension, Rollup } from "../rollups.ts";

/** What makes version n of the schema from version n - 1, as statements for one transaction. Never changed once released. */
export type Migration = (schema: string) => readonly string[];

/** The first makes version 1. */
export const migrations: readonly Migration[] = [firstVersion, secondVersion, thirdVersion];

function firstVersion(schema: string): readonly string[] {
  const table = tables(schema);
  return [
    // Neither has a key, so that no unique key is without a tenant: each holds one row from here on.
    `CREATE TABLE ${table("ledger_state")} (retained_from timestamptz)`,
    `INSERT INTO ${table("ledger_state")} VALUES (NULL)`,
    `CREATE TABLE ${table("usage_events")} (
      ${firstColumns.join(", ")},
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
    ...firstRollups.flatMap((rollup) => rollupTable(rollup, table(rollup.table), 70)),
    dailyUsage(table("daily_usage_metrics"), table("usage_days")),
  ];
}

/**
 * Narrow rollups, in place of hours by project. Without that table the statement of version 1 fails as unavailable, so that no
 * process of before writes rows that the new rollups miss.
 */
function secondVersion(schema: string): readonly string[] {
  const table = tables(schema);
  const addUp = table("add_up");
  const fill = (rollup: Rollup, source: string): string => {
    const keys = keyColumns(rollup);
    const bucket = rollup.seconds === 28 * day ? bucketOf(rollup.seconds, "bucket_at") : "bucket_at";
    const values = keys.map((key) => (key === "bucket_at" ? bucket : key));
    const added = sums.map((column) => `${addUp}(${column})`);
    return `INSERT INTO ${table(rollup.table)} (${[...keys, ...sums, "updated_at"].join(", ")})
      SELECT ${[...values, ...added, "max(updated_at)"].join(", ")} FROM ${table(source)}
      GROUP BY ${keys.map((_, index) => index + 1).join(", ")} ORDER BY 2, 1`;
  };
  return [
    // Appends under way end first, the others wait.
    `LOCK TABLE ${table("usage_events")} IN EXCLUSIVE MODE`,
    // `sum(bigint)` goes by way of numeric, which costs more than all else there is to adding up.
    `CREATE OR REPLACE AGGREGATE ${addUp}(bigint) (SFUNC = pg_catalog.int8pl, STYPE = bigint, INITCOND = '0')`,
    // Few buckets that are written again and again: with half a page left, nearly all updates stay on it.
    ...narrowRollups.flatMap(([rollup]) => rollupTable(rollup, table(rollup.table), 50)),
    ...["usage_totals", "usage_days"].map((name) => `ALTER TABLE ${table(name)} SET (fillfactor = 50)`),
    ...narrowRollups.map(([rollup, source]) => fill(rollup, source)),
    // For what is asked of all tenants at once.
    ...narrowRollups.map(([{ table: name }]) => `CREATE INDEX ${quoted(`${name}_time`)} ON ${table(name)} (bucket_at)`),
    `DROP TABLE ${table("usage_hours")}`,
    `ANALYZE ${narrowRollups.map(([{ table: name }]) => table(name)).join(", ")}`,
  ];
}

/** Which model answered, and which service tier served. Processes of before go on writing, and know of neither. */
function thirdVersion(schema: string): readonly string[] {
  return [`ALTER TABLE ${tables(schema)("usage_events")} ADD COLUMN response_model text, ADD COLUMN service_tier text`];
}

/** Keys are compared byte by byte: another collation is slower, and may call two texts equal, or change with the system. */
const firstColumns = [
  'tenant text COLLATE "C" NOT NULL',
  'event_id text COLLATE "C" NOT NULL',
  "captured_at timestamptz NOT NULL",
  "occurred_at timestamptz NOT NULL",
  "kind text NOT NULL",
  "employee text",
  "project text",
  "process text",
  "execution text",
  "user_id text",
  "provider text",
  "model text",
  "name text",
  "input_tokens bigint",
  "output_tokens bigint",
  "cache_read_tokens bigint",
  "cache_write_tokens bigint",
  "reasoning_tokens bigint",
  "cost_nano_usd bigint",
  "cost_status text NOT NULL",
  "price_book text",
  "unpriced bigint NOT NULL",
  "inference_micros bigint",
  "queue_micros bigint",
  "is_success boolean NOT NULL",
  "error_type text",
  "usage_source text NOT NULL",
  "attempts bigint NOT NULL",
  "corrects text",
];

const day = 86_400;
const all: readonly Dimension[] = ["tenant", "employee", "project", "kind", "provider", "model"];
const byModel: readonly Dimension[] = ["tenant", "kind", "provider", "model"];

const firstRollups: readonly Rollup[] = [
  { table: "usage_totals", seconds: null, dimensions: ["tenant", "employee", "kind"] },
  { table: "usage_days", seconds: day, dimensions: all },
  { table: "usage_hours", seconds: 3_600, dimensions: ["tenant", "project", "kind", "provider", "model"] },
  { table: "usage_quarters", seconds: 900, dimensions: all },
];

/** With what each is filled from. */
const narrowRollups: readonly (readonly [rollup: Rollup, source: string])[] = [
  [{ table: "usage_model_days", seconds: day, dimensions: byModel }, "usage_days"],
  [{ table: "usage_model_blocks", seconds: 28 * day, dimensions: byModel }, "usage_model_days"],
  [{ table: "usage_kind_days", seconds: day, dimensions: ["tenant", "kind"] }, "usage_model_days"],
  [{ table: "usage_kind_hours", seconds: 3_600, dimensions: ["tenant", "kind"] }, "usage_hours"],
];

const sums = [
  "records",
  "events",
  "successes",
  "errors",
  "estimated",
  "unpriced",
  "input_tokens",
  "output_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "reasoning_tokens",
  "cost_nano_usd",
  "timed",
  "inference_micros",
  "queue_micros",
];

/** Room is left on each page, so that an update stays on it and touches no index. */
function rollupTable(rollup: Rollup, name: string, fillFactor: number): readonly string[] {
  const keys = keyColumns(rollup);
  return [
    `CREATE TABLE ${name} (
      ${keys.map((key) => (key === "bucket_at" ? "bucket_at timestamptz NOT NULL" : `${key} text COLLATE "C" NOT NULL`)).join(", ")},
      ${sums.map((column) => `${column} bigint NOT NULL`).join(", ")},
      updated_at timestamptz NOT NULL DEFAULT now()
    ) WITH (fillfactor = ${fillFactor})`,
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
