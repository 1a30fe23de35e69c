import { population, tenantAt, tenantName } from "./ledger-events.ts";

/** Ninety days of usage, as the queries find it: up to the noon of this day. */
export const history: { readonly days: number; readonly endsAt: number } = {
  days: 90,
  endsAt: Date.UTC(2026, 10, 20, 12),
};
const milliseconds = history.days * 86_400_000;
export const historyStartsAt: number = history.endsAt - milliseconds;

/** The tenants of the events of {@link historySelect}, as many lines for each as it has shares of a thousandth. */
export const tenantSlots: readonly (readonly [slot: number, tenant: string])[] = Array.from(
  { length: 1000 },
  (_, slot) => [slot, tenantName(tenantAt((slot + 0.5) / 1000))] as const,
);

/** What the databases write differently. */
export interface HistoryDialect {
  /** A number as `width` hexadecimal digits. */
  hex(expression: string, width: number): string;
  /** A time, from Unix milliseconds. */
  time(expression: string): string;
}

/** The columns that {@link historySelect} gives, in order. */
export const historyColumns: readonly string[] = [
  "tenant",
  "event_id",
  "captured_at",
  "occurred_at",
  "kind",
  "employee",
  "project",
  "process",
  "execution",
  "user_id",
  "provider",
  "model",
  "name",
  "input_tokens",
  "output_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "reasoning_tokens",
  "cost_nano_usd",
  "cost_status",
  "price_book",
  "unpriced",
  "inference_micros",
  "queue_micros",
  "is_success",
  "error_type",
  "usage_source",
  "attempts",
  "response_model",
  "service_tier",
];

/**
 * Events like those of `createEventSource`, made inside the database from a relation `numbers(i)`, of i from 1 to `count`, and a
 * table of {@link tenantSlots}: the same for every store, spread evenly over the days, in the order of time.
 */
export function historySelect(count: number, slots: string, { hex, time }: HistoryDialect): string {
  return `with drawn as (
  select i, ${historyStartsAt} + i * ${milliseconds} / ${count} - 1 as at, s.tenant as tenant,
    ${draw(1, population.employees)} as employee, ${draw(2, population.projects)} as project,
    ${draw(3, population.models)} as model, ${draw(4, 100)} as kind, ${draw(5, 50)} as luck,
    200 + ${draw(6, 4000)} as input, 20 + ${draw(7, 800)} as output, ${draw(8, 2_000_000)} as micros
  from numbers join ${slots} s on s.slot = ${draw(0, 1000)}
), timed as (select *, ${hex("at", 12)} as time, kind < 80 as is_call from drawn)
select tenant,
  substr(time, 1, 8) || '-' || substr(time, 9, 4) || '-7000-8000-' || ${hex("i", 12)},
  ${time("at")}, ${time("at")},
  case when is_call then 'llm_call' when kind < 95 then 'tool_call' else 'task' end,
  'employee-' || employee, 'project-' || project,
  case when is_call then 'answer' end,
  'execution-' || i, 'user-' || (i % 1000),
  case when is_call then 'provider-' || (model % ${population.providers}) end,
  case when is_call then 'model-' || model end,
  case when not is_call then 'name-' || model end,
  case when is_call then input end,
  case when is_call then output end,
  case when is_call then input / 2 end,
  case when is_call then 0 end,
  case when is_call then output / 4 end,
  case when is_call then input * 1250 + output * 10000 end,
  case when is_call then 'priced' else 'none' end,
  case when is_call then '2026-11-01' end,
  0,
  200000 + micros,
  case when is_call then micros / 100 end,
  luck > 0,
  case when luck = 0 then 'timeout' end,
  case when is_call then 'provider' else 'none' end,
  1,
  case when is_call then 'model-' || model end,
  case when is_call then 'default' end
from timed`;
}

/** A number from 0 to below the limit, by multiples of primes: evenly spread, and every column by another one. */
function draw(column: number, limit: number): string {
  return `((i * ${multipliers[column] ?? 0}) % 4294967291 * ${limit} / 4294967291)`;
}

const multipliers = [
  2654435761, 2246822519, 3266489917, 668265263, 374761393, 2860486313, 1500450271, 3267000013, 982451653,
];

/** A row's contribution to each rollup: events alone, since a history has no corrections. Texts in the order of the columns. */
const historySums: Readonly<Record<string, string>> = {
  records: "count(*)",
  events: "count(*)",
  successes: "sum(case when is_success then 1 else 0 end)",
  errors: "sum(case when is_success then 0 else 1 end)",
  estimated: "0",
  unpriced: "0",
  input_tokens: "coalesce(sum(input_tokens), 0)",
  output_tokens: "coalesce(sum(output_tokens), 0)",
  cache_read_tokens: "coalesce(sum(cache_read_tokens), 0)",
  cache_write_tokens: "coalesce(sum(cache_write_tokens), 0)",
  reasoning_tokens: "coalesce(sum(reasoning_tokens), 0)",
  cost_nano_usd: "coalesce(sum(cost_nano_usd), 0)",
  timed: "count(*)",
  inference_micros: "sum(inference_micros)",
  queue_micros: "coalesce(sum(queue_micros), 0)",
};

export interface HistoryRollup {
  readonly table: string;
  /** Null: one bucket for all time. */
  readonly seconds: number | null;
  readonly dimensions: readonly string[];
}

const all = ["employee", "project", "kind", "provider", "model"];

/** Of the ledger's schema, after the tenant. What is kept falsely here, `recount` tells. */
export const historyRollups: readonly HistoryRollup[] = [
  { table: "usage_totals", seconds: null, dimensions: ["employee", "kind"] },
  { table: "usage_model_blocks", seconds: 28 * 86_400, dimensions: ["kind", "provider", "model"] },
  { table: "usage_kind_days", seconds: 86_400, dimensions: ["kind"] },
  { table: "usage_model_days", seconds: 86_400, dimensions: ["kind", "provider", "model"] },
  { table: "usage_days", seconds: 86_400, dimensions: all },
  { table: "usage_kind_hours", seconds: 3_600, dimensions: ["kind"] },
  { table: "usage_quarters", seconds: 900, dimensions: all },
];

/** Adds the events up into a rollup, bucket after bucket as time makes them. `bucket` gives the expression of a bucket's begin. */
export function rollupInsert(
  { table, seconds, dimensions }: HistoryRollup,
  { prefix, bucket, now }: { prefix: string; bucket: (seconds: number) => string; now: string },
): string {
  const keys = ["tenant", ...(seconds === null ? [] : ["bucket_at"]), ...dimensions];
  const values = keys.map((key) => {
    if (key === "bucket_at") return `${bucket(seconds ?? 0)} as bucket_at`;
    return key === "tenant" ? "tenant" : `coalesce(${key}, '')`;
  });
  const positions = keys.map((_, index) => index + 1).join(", ");
  const order = seconds === null ? positions : `2, ${positions}`;
  return `insert into ${prefix}${table} (${[...keys, ...Object.keys(historySums), "updated_at"].join(", ")})
select ${[...values, ...Object.values(historySums), now].join(", ")}
from ${prefix}usage_events group by ${positions} order by ${order}`;
}
