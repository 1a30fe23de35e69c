import { DatabaseSync } from "node:sqlite";
import { expect } from "vitest";
import { rollups } from "../../src/rollups.ts";

/**
 * Expects a database that is whole, with every rollup equal to what its rows add up to, and gives the number of rows. Written
 * apart from the store's own arithmetic, and by a connection of its own.
 */
export function expectExactRollups(file: string): number {
  const database = new DatabaseSync(file);
  try {
    database.exec("pragma busy_timeout = 5000");
    expect(database.prepare("pragma integrity_check").get()).toEqual({ integrity_check: "ok" });
    for (const { table, seconds, dimensions } of rollups) {
      const bucket = seconds === null ? "0" : `occurred_at / ${seconds * 1000} * ${seconds * 1000}`;
      const key = [...dimensions.map((name) => `coalesce(${name}, '')`), bucket];
      const places = key.map((_, index) => index + 1);
      const added = `select ${list(key)}, ${list(Object.values(contributions).map((sql) => `sum(${sql})`))}
        from usage_events group by ${list(places)}`;
      const keptKey = [...dimensions, seconds === null ? "0" : "bucket_at"];
      const kept = `select ${list(keptKey)}, ${list(Object.keys(contributions))} from ${table}`;
      expect(read(database, `${added} except ${kept}`), `rows that are missing from ${table}`).toEqual([]);
      expect(read(database, `${kept} except ${added}`), `what ${table} has beyond its rows`).toEqual([]);
    }
    return Number(read(database, "select count(*) as rows from usage_events")[0]?.["rows"]);
  } finally {
    database.close();
  }
}

/** What a query gives, with bigints for integers. */
export function readDatabase(file: string, sql: string): Record<string, unknown>[] {
  const database = new DatabaseSync(file);
  try {
    database.exec("pragma busy_timeout = 5000");
    return read(database, sql);
  } finally {
    database.close();
  }
}

function read(database: DatabaseSync, sql: string): Record<string, unknown>[] {
  const statement = database.prepare(sql);
  statement.setReadBigInts(true);
  return statement.all().map((record) => ({ ...record }));
}

function list(parts: readonly (string | number)[]): string {
  return parts.join(", ");
}

const isEvent = "corrects is null";
const contributions = {
  records: "1",
  events: isEvent,
  successes: `${isEvent} and is_success`,
  errors: `${isEvent} and not is_success`,
  estimated: `${isEvent} and (cost_status = 'estimated' or usage_source in ('estimated', 'partial'))`,
  unpriced: "unpriced",
  input_tokens: "coalesce(input_tokens, 0)",
  output_tokens: "coalesce(output_tokens, 0)",
  cache_read_tokens: "coalesce(cache_read_tokens, 0)",
  cache_write_tokens: "coalesce(cache_write_tokens, 0)",
  reasoning_tokens: "coalesce(reasoning_tokens, 0)",
  cost_nano_usd: "coalesce(cost_nano_usd, 0)",
  timed: `${isEvent} and inference_micros is not null`,
  inference_micros: `iif(${isEvent}, coalesce(inference_micros, 0), 0)`,
  queue_micros: `iif(${isEvent}, coalesce(queue_micros, 0), 0)`,
};
