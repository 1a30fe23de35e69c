import type { SqliteConnection } from "./sqlite-driver.ts";

/** In the header of each of our databases, so that nobody else's is written to: "MBLD". */
export const applicationId = 0x4d42_4c44;

/** Brings a database from one version to the next; its place in the list is the version it starts from. */
export type SqliteMigration = (connection: SqliteConnection) => void;

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
const allKeys = ["tenant", "bucket_at", "employee", "project", "kind", "provider", "model"];
const modelKeys = ["tenant", "bucket_at", "kind", "provider", "model"];
const kindKeys = ["tenant", "bucket_at", "kind"];

function rollupTable(name: string, keys: readonly string[]): string {
  const types = keys.map((key) => `${key} ${key === "bucket_at" ? "integer" : "text"} not null`);
  const integers = [...sums, "updated_at"].map((column) => `${column} integer not null`);
  const columns = [...types, ...integers, `primary key (${keys.join(", ")})`];
  return `create table ${name} (\n  ${columns.join(",\n  ")}\n) strict, without rowid;`;
}

// A migration that has been published is never edited, so its names are written out; a test holds what all of them make against
// the columns and rollups that the code knows. Times are Unix milliseconds, booleans 0 and 1.
const firstVersion = `
create table usage_events (
  tenant text not null,
  event_id text not null,
  captured_at integer not null,
  occurred_at integer not null,
  kind text not null,
  employee text,
  project text,
  process text,
  execution text,
  user_id text,
  provider text,
  model text,
  name text,
  input_tokens integer,
  output_tokens integer,
  cache_read_tokens integer,
  cache_write_tokens integer,
  reasoning_tokens integer,
  cost_nano_usd integer,
  cost_status text not null,
  price_book text,
  unpriced integer not null,
  inference_micros integer,
  queue_micros integer,
  is_success integer not null,
  error_type text,
  usage_source text not null,
  attempts integer not null,
  corrects text,
  recorded_at integer not null,
  primary key (tenant, event_id)
) strict;
create index usage_events_by_time on usage_events (tenant, occurred_at, event_id);
create index usage_events_by_project on usage_events (tenant, project, occurred_at, event_id) where project is not null;
create index usage_events_by_process on usage_events (tenant, process, occurred_at, event_id) where process is not null;

${rollupTable("usage_totals", ["tenant", "employee", "kind"])}
${rollupTable("usage_days", allKeys)}
${rollupTable("usage_hours", ["tenant", "bucket_at", "project", "kind", "provider", "model"])}
${rollupTable("usage_quarters", allKeys)}

create table ledger_state (name text primary key, value integer not null) strict, without rowid;

create view daily_usage_metrics as
select
  strftime('%Y-%m-%d', bucket_at / 1000, 'unixepoch') as day,
  tenant,
  employee,
  sum(iif(kind = 'task', events, 0)) as tasks,
  cast(round(sum(iif(kind = 'task', inference_micros, 0)) / 1000.0) as integer) as total_duration_ms,
  sum(iif(kind = 'task', inference_micros, 0)) / 1000.0 / nullif(sum(iif(kind = 'task', timed, 0)), 0)
    as average_duration_ms,
  sum(input_tokens + output_tokens) as tokens,
  sum(iif(kind = 'tool_call', events, 0)) as tool_calls,
  sum(errors) as errors,
  sum(iif(kind = 'task', successes, 0)) * 1.0 / nullif(sum(iif(kind = 'task', events, 0)), 0) as success_ratio,
  max(updated_at) as updated_at
from usage_days
group by bucket_at, tenant, employee;
`;

/** Narrow rollups, in place of hours by project. Processes of before see the version and write no more. */
const secondVersion = `
${rollupTable("usage_model_days", modelKeys)}
${rollupTable("usage_model_blocks", modelKeys)}
${rollupTable("usage_kind_days", kindKeys)}
${rollupTable("usage_kind_hours", kindKeys)}
${fill("usage_model_days", modelKeys, "usage_days")}
${fill("usage_model_blocks", modelKeys, "usage_model_days", 28 * 86_400_000)}
${fill("usage_kind_days", kindKeys, "usage_model_days")}
${fill("usage_kind_hours", kindKeys, "usage_hours")}
drop table usage_hours;
`;

/** Adds up another rollup, of whose buckets so many milliseconds make one; left out: the same. */
function fill(name: string, keys: readonly string[], source: string, milliseconds = 1): string {
  const values = keys.map((key) => (key === "bucket_at" ? `bucket_at - bucket_at % ${milliseconds}` : key));
  const added = sums.map((column) => `sum(${column})`);
  return `insert into ${name} (${[...keys, ...sums, "updated_at"].join(", ")})
select ${[...values, ...added, "max(updated_at)"].join(", ")} from ${source} group by ${keys.map((_, place) => place + 1).join(", ")};`;
}

/** Which model answered, and which service tier served: a bill is held against both. */
const thirdVersion = `
alter table usage_events add column response_model text;
alter table usage_events add column service_tier text;
`;

export const sqliteMigrations: readonly SqliteMigration[] = [firstVersion, secondVersion, thirdVersion].map(
  (script) => (connection) => connection.execute(script),
);
