import { DatabaseSync } from "node:sqlite";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { UsageEvent } from "@meterbridge/core";
import { Redis } from "ioredis";
import pg from "pg";
import { type Throughput, throughputOf } from "./ledger-durable.ts";
import { createEvents, expectedSums } from "./ledger-events.ts";

export interface InsertInput {
  /** PostgreSQL, or else SQLite in the directory. */
  readonly databaseUrl?: string;
  readonly directory: string;
  readonly events: number;
}

/** What many applications do: one INSERT per event, awaited. No rollups, and nothing that would know a retry. */
export async function insertEach({ databaseUrl, directory, events: count }: InsertInput): Promise<Throughput> {
  const events = createEvents(4, count, Date.now()).map(plainValues);
  if (databaseUrl === undefined) return insertIntoSqlite(path.join(directory, "plain.sqlite"), events);
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query(`create table plain_events (id bigserial primary key, ${columns.join(" text, ")} text)`);
  const text = `insert into plain_events (${columns.join(", ")}) values (${columns.map((_, index) => `$${index + 1}`).join(", ")})`;
  const measured = throughputOf(count);
  for (const values of events) await client.query({ name: "insert", text, values });
  const throughput = measured();
  await client.end();
  return throughput;
}

function insertIntoSqlite(file: string, events: readonly (string | null)[][]): Throughput {
  const database = new DatabaseSync(file);
  database.exec("pragma journal_mode = wal; pragma synchronous = full");
  database.exec(`create table plain_events (id integer primary key, ${columns.join(" text, ")} text)`);
  const insert = database.prepare(
    `insert into plain_events (${columns.join(", ")}) values (${columns.map(() => "?").join(", ")})`,
  );
  const measured = throughputOf(events.length);
  for (const values of events) insert.run(...values);
  const throughput = measured();
  database.close();
  return throughput;
}

export interface RedisListInput {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly events: number;
}

/**
 * The way of LiteLLM: batches of events are pushed to a Redis list by one client; another pops up to a hundred of them, merges
 * them by day, and adds the sums to PostgreSQL, one upsert each, a hundred in a transaction. It begins again at once, where
 * LiteLLM waits for ten seconds.
 *
 * @throws Error when the sums are not what was pushed, which happens here only if something is broken.
 */
export async function pushThroughRedis({ databaseUrl, redisUrl, events: count }: RedisListInput): Promise<Throughput> {
  const events = createEvents(5, count, Date.now());
  const [pusher, popper] = [new Redis(redisUrl), new Redis(redisUrl)];
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query(`create table daily_usage (day text, ${dailyKey.map((name) => `${name} text`).join(", ")},
    events bigint, input_tokens bigint, output_tokens bigint, cost numeric, primary key (day, ${dailyKey.join(", ")}))`);
  let isPushed = false;
  const measured = throughputOf(count);

  async function push(): Promise<void> {
    for (let at = 0; at < count; at += 500) {
      await pusher.rpush(list, JSON.stringify(events.slice(at, at + 500).map(dailyRecord)));
    }
    isPushed = true;
  }

  async function pop(): Promise<void> {
    for (;;) {
      const wasPushed = isPushed;
      const popped = (await popper.lpop(list, 100)) ?? [];
      // From here on the events are in this process alone, until the upserts are committed.
      if (popped.length > 0) await upsert(client, merge(popped));
      else if (wasPushed) return;
      else await sleep(1);
    }
  }

  await Promise.all([push(), pop()]);
  const throughput = measured();
  const { rows } = await client.query<{ events: string; tokens: string }>(
    "select sum(events)::text as events, sum(input_tokens)::text as tokens from daily_usage",
  );
  await client.end();
  for (const each of [pusher, popper]) each.disconnect();
  const expected = expectedSums(events);
  if (rows[0]?.events !== String(expected.events) || rows[0].tokens !== String(expected.inputTokens)) {
    throw new Error(`the Redis list lost something: ${JSON.stringify(rows[0])}, expected ${expected.events} events`);
  }
  return throughput;
}

interface DailyRecord {
  readonly key: readonly string[];
  readonly sums: [events: number, inputTokens: number, outputTokens: number, costUsd: number];
}

function dailyRecord(event: UsageEvent): DailyRecord {
  const names = [event.tenant, event.employee, event.project, event.kind, event.provider, event.model];
  return {
    key: [event.occurredAt.toISOString().slice(0, 10), ...names.map((name) => name ?? "")],
    // A floating point sum, as there.
    sums: [1, event.inputTokens ?? 0, event.outputTokens ?? 0, Number(event.costNanoUsd ?? 0n) / 1e9],
  };
}

function merge(batches: readonly string[]): DailyRecord[] {
  const merged = new Map<string, DailyRecord>();
  for (const batch of batches) {
    for (const record of JSON.parse(batch) as DailyRecord[]) {
      const key = record.key.join("\0");
      const found = merged.get(key);
      if (found === undefined) merged.set(key, record);
      else for (let index = 0; index < 4; index++) found.sums[index]! += record.sums[index]!;
    }
  }
  return [...merged.values()];
}

async function upsert(client: pg.Client, records: readonly DailyRecord[]): Promise<void> {
  for (let at = 0; at < records.length; at += 100) {
    await client.query("begin");
    for (const { key, sums } of records.slice(at, at + 100)) {
      await client.query({ name: "upsert", text: upsertText, values: [...key, ...sums] });
    }
    await client.query("commit");
  }
}

const list = "daily_spend_updates";
const dailyKey = ["tenant", "employee", "project", "kind", "provider", "model"];
const upsertText = `insert into daily_usage as d values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
on conflict (day, ${dailyKey.join(", ")}) do update set events = d.events + excluded.events,
input_tokens = d.input_tokens + excluded.input_tokens, output_tokens = d.output_tokens + excluded.output_tokens,
cost = d.cost + excluded.cost`;

const columns = Object.keys(createEvents(0, 1, 0)[0] ?? {})
  .map((name) => name.replaceAll(/[A-Z]/g, "_$&").toLowerCase())
  .map((name) => (name === "user" ? "user_name" : name));

function plainValues(event: UsageEvent): (string | null)[] {
  return Object.values(event).map((value) => {
    if (value === null) return null;
    return value instanceof Date ? value.toISOString() : String(value);
  });
}
