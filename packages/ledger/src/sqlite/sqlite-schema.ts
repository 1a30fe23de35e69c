import type { SqliteConnection } from "./sqlite-driver.ts";

/** In the header of each of our databases, so that nobody else's is written to: "MBLD". */
export const applicationId = 0x4d42_4c44;

/** Brings a database from one version to the next; its place in the list is the version it starts from. */
export type SqliteMigration = (connection: SqliteConnection) => void;

const sums = `
  records integer not null,
  events integer not null,
  successes integer not null,
  errors integer not null,
  estimated integer not null,
  unpriced integer not null,
  input_tokens integer not null,
  output_tokens integer not null,
  cache_read_tokens integer not null,
  cache_write_tokens integer not null,
  reasoning_tokens integer not null,
  cost_nano_usd integer not null,
  timed integer not null,
  inference_micros integer not null,
  queue_micros integer not null,
  updated_at integer not null`;

// A migration that has been published is never edited, so its names are written out; a test holds them against the columns
// and rollups that the code knows. Times are Unix milliseconds, booleans 0 and 1.
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

create table usage_totals (
  tenant text not null,
  employee text not null,
  kind text not null,
  ${sums},
  primary key (tenant, employee, kind)
) strict, without rowid;
create table usage_days (
  tenant text not null,
  bucket_at integer not null,
  employee text not null,
  project text not null,
  kind text not null,
  provider text not null,
  model text not null,
  ${sums},
  primary key (tenant, bucket_at, employee, project, kind, provider, model)
) strict, without rowid;
create table usage_hours (
  tenant text not null,
  bucket_at integer not null,
  project text not null,
  kind text not null,
  provider text not null,
  model text not null,
  ${sums},
  primary key (tenant, bucket_at, project, kind, provider, model)
) strict, without rowid;
create table usage_quarters (
  tenant text not null,
  bucket_at integer not null,
  employee text not null,
  project text not null,
  kind text not null,
  provider text not null,
  model text not null,
  ${sums},
  primary key (tenant, bucket_at, employee, project, kind, provider, model)
) strict, without rowid;

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

export const sqliteMigrations: readonly SqliteMigration[] = [(connection) => connection.execute(firstVersion)];
