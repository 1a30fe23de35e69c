import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { addUsageSink, configure, llm, task, tool, withAttribution } from "@meterbridge/core";
import { createLedger, sqliteStore, usageQueries, type Ledger, type LedgerStore } from "@meterbridge/ledger";
import { postgresqlStore } from "@meterbridge/ledger/postgresql";
import { connectRedis, createHotCounters } from "@meterbridge/ledger/redis";
import { context, diag } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  findPostgresql,
  startPostgresql,
  type PostgresqlServer,
} from "../packages/ledger/test/support/postgresql-server.ts";
import { freePort } from "./support/servers.ts";

// What the replaced systems keep of usage (rows D and E), recorded through core and asked of a real store. What each part
// does under fault is proved in packages/ledger/test.

/** Two tenants, an hour of work: three model calls, two tasks, two tool calls. */
async function work(): Promise<void> {
  const at = { tenant: "acme", employee: "ada", project: "site", process: "crawl", execution: "run-1" };
  await withAttribution(at, async () => {
    llm.record({
      provider: "openai",
      model: "gpt-5",
      inputTokens: 100,
      outputTokens: 20,
      duration: 2,
      queueDuration: 0.5,
    });
    llm.record({
      provider: "openai",
      model: "gpt-5",
      inputTokens: 50,
      duration: 4,
      status: "failed",
      errorType: "timeout",
    });
    tool.record({ tool: "search", status: "completed", duration: 0.1 });
    tool.record({ tool: "search", status: "failed", duration: 0.3 });
    task.record({ name: "ticket", status: "completed", duration: 6 });
    task.record({ name: "ticket", status: "failed", duration: 10 });
  });
  withAttribution({ tenant: "globex", employee: "bob", project: "shop" }, () => {
    llm.record({ provider: "anthropic", model: "claude-haiku-4-5", inputTokens: 10, outputTokens: 5, duration: 1 });
  });
}

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), "requirements-"));
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  configure({ priceBook: { name: "list@1", price: ({ inputTokens }) => BigInt(inputTokens) * 1000n } });
});

afterAll(() => {
  context.disable();
  diag.disable();
  rmSync(directory, { recursive: true });
});

async function keep(store: LedgerStore): Promise<Ledger> {
  const ledger = createLedger({ store });
  const remove = addUsageSink(ledger);
  await work();
  remove();
  expect(await ledger.flush(10_000)).toBe(true);
  return ledger;
}

const today = new Date().toISOString().slice(0, 10);
const range = { from: today, to: today };

describe("D: observability", () => {
  let ledger: Ledger;
  const file = (): string => path.join(directory, "d.sqlite");
  beforeAll(async () => (ledger = await keep(sqliteStore({ file: file() }))));
  afterAll(() => ledger.close());

  test("D: one row per model call, with the cost from the price book of the moment", async () => {
    const { rows } = await usageQueries(ledger.store).latest({ tenant: "acme", kind: "llm_call", limit: 10 });
    expect(rows).toHaveLength(2);
    expect(rows.find((row) => row.isSuccess)).toMatchObject({
      project: "site",
      process: "crawl",
      execution: "run-1",
      provider: "openai",
      model: "gpt-5",
      inputTokens: 100,
      outputTokens: 20,
      costNanoUsd: 100_000n,
      costUsd: "0.000100000",
      priceBook: "list@1",
      inferenceMicros: 2_000_000,
      queueMicros: 500_000,
      errorType: null,
    });
    expect(rows.find((row) => !row.isSuccess)).toMatchObject({ errorType: "timeout", inputTokens: 50 });
    expect(Math.abs((rows[0]?.occurredAt ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  test("D: rows are found by project, by process and by time through an index", () => {
    const database = new DatabaseSync(file(), { readOnly: true });
    for (const column of ["project", "process"]) {
      const plan = database
        .prepare(
          `EXPLAIN QUERY PLAN SELECT * FROM usage_events WHERE tenant = 'a' AND ${column} = 'b' AND occurred_at > 1`,
        )
        .all();
      expect(String(plan[0]?.["detail"])).toMatch(new RegExp(`USING INDEX .*${column}=\\? AND occurred_at>\\?`));
    }
    database.close();
  });

  test("D: summary by project and dates: calls, tokens, cost, average inference, success rate", async () => {
    const summary = await usageQueries(ledger.store).summary({ ...range, project: "site" });
    expect(summary).toMatchObject({
      calls: 2,
      tokens: { total: 170 },
      costUsd: "0.000150000",
      averageInferenceMs: 3000,
      successRate: 0.5,
    });
    expect((await usageQueries(ledger.store).summary({ ...range, project: "shop" })).calls).toBe(1);
  });

  test("D: by provider and model", async () => {
    const rows = await usageQueries(ledger.store).byModel(range);
    expect(rows.map(({ provider, model, calls }) => [provider, model, calls])).toEqual([
      ["openai", "gpt-5", 2],
      ["anthropic", "claude-haiku-4-5", 1],
    ]);
  });

  test.each([
    ["hour", 1],
    ["day", 90],
    ["week", 28],
  ] as const)("D: a timeline by %s over %i days", async (step, days) => {
    const periods = await usageQueries(ledger.store).timeline({ step, days });
    expect(periods.reduce((sum, period) => sum + period.calls, 0)).toBe(3);
    expect(periods.at(-1)?.calls).toBe(3);
  });

  test("D: the dashboard's overview: projects, today, this month", async () => {
    const overview = await usageQueries(ledger.store).overview();
    expect(overview).toMatchObject({ projects: 2, today: { calls: 3 }, month: { calls: 3, costUsd: "0.000160000" } });
  });
});

describe("E: usage by tenant and employee", () => {
  let postgresql: PostgresqlServer | undefined;
  let ledger: Ledger;

  beforeAll(async () => {
    if (findPostgresql() !== undefined) postgresql = await startPostgresql();
    ledger = await keep(
      postgresql === undefined
        ? sqliteStore({ file: path.join(directory, "e.sqlite") })
        : postgresqlStore({ url: postgresql.url }),
    );
  });
  afterAll(async () => {
    await ledger.close();
    await postgresql?.stop();
  });

  test("E: tasks, average duration, tokens, tool calls, errors of a tenant and an employee, by year and month", async () => {
    const [year = 0, month = 0] = today.split("-").map(Number);
    const queries = usageQueries(ledger.store);
    const acme = {
      tasks: 2,
      durationMs: 16_000,
      averageDurationMs: 8000,
      tokens: 170,
      toolCalls: 2,
      errors: 3,
      successRatio: 0.5,
    };
    expect(await queries.usage({ year, month, by: "tenant" })).toMatchObject([
      { tenant: "acme", ...acme },
      { tenant: "globex", tasks: 0, tokens: 15 },
    ]);
    expect(await queries.usage({ year, by: "employee", tenant: "acme", employee: "ada" })).toMatchObject([
      { tenant: "acme", employee: "ada", ...acme },
    ]);
    expect(await queries.usage({ year: year - 1, by: "tenant" })).toEqual([]);
  });

  test.skipIf(findPostgresql() === undefined)(
    "E: daily_usage_metrics in PostgreSQL has one row for each day, tenant and employee; its tables were made when missing",
    async () => {
      const rows = await postgresql?.query(
        "SELECT *, updated_at > now() - interval '1 minute' AS is_fresh FROM meterbridge.daily_usage_metrics ORDER BY tenant",
      );
      expect(rows).toHaveLength(2);
      const {
        tasks,
        total_duration_ms,
        average_duration_ms,
        tokens,
        tool_calls,
        errors,
        success_ratio,
        is_fresh,
        tenant,
        employee,
      } = rows?.[0] ?? {};
      expect([tenant, employee, is_fresh]).toEqual(["acme", "ada", true]);
      expect(
        [tasks, total_duration_ms, average_duration_ms, tokens, tool_calls, errors, success_ratio].map(Number),
      ).toEqual([2, 16_000, 8000, 170, 2, 3, 0.5]);
    },
  );

  test("E: without Redis the hot counters are read from the store, with a warning only", async () => {
    const told: string[] = [];
    const redis = connectRedis({
      url: `redis://127.0.0.1:${await freePort()}`,
      diag: { warn: (line) => void told.push(line) },
    });
    const counters = createHotCounters({ redis, store: ledger.store });
    for (let round = 0; round < 5; round++) {
      expect(await counters.read("acme")).toMatchObject({
        tasks: 2,
        tokens: 170,
        durationMs: 16_000,
        errors: 3,
        toolCalls: 2,
        source: "store",
      });
    }
    redis.close();
    expect(told).toHaveLength(1);
  });
});
