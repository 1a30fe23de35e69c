import { checkpoint, configure, llm, task, tool, users, webhook, withAttribution, workflow } from "@meterbridge/core";
import { usageApi } from "@meterbridge/http";
import { context } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { acmeToken, ask, listen, tokens } from "./support/usage-client.ts";
import { november, runSdk, type TestSdk } from "./support/usage-sdk.ts";

// The rows of the requirements that are read over HTTP, of real meters and a real ledger. Expected sums are added up here, by hand.

const api = usageApi({ tokens, timeZone: "UTC" });
const events = november();
const range = "from=2026-11-01&to=2026-11-30";
let sdk: TestSdk;

beforeAll(async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  sdk = await runSdk({ events, now: new Date("2026-11-20T23:50:00Z"), withPrometheus: true });
  configure({ priceBook: { name: "list@1", price: ({ inputTokens }) => BigInt(inputTokens) * 1_000_000n } });
  await withAttribution({ tenant: "acme", employee: "ada" }, async () => {
    workflow.created("billing");
    workflow.created("billing");
    await workflow.measure("billing", () => {});
    await workflow.measure("billing", () => Promise.reject(new Error("no"))).catch(() => {});
    workflow.start("billing");
    llm.record({ provider: "openai", model: "gpt-5", inputTokens: 100, outputTokens: 20, duration: 2 });
    llm.record({ provider: "openai", model: "gpt-5", inputTokens: 50, duration: 4, status: "failed" });
    checkpoint.created("release");
    checkpoint.created("release");
    checkpoint.decided("release", "approved");
    webhook.record({ status: "completed", duration: 0.1 });
    webhook.record({ status: "failed", duration: 0.1 });
    tool.record({ tool: "search", status: "completed", duration: 0.1 });
    task.record({ status: "completed", duration: 1 });
    users.seen("u1");
    users.seen("u2");
  });
  withAttribution({ tenant: "globex" }, () => {
    workflow.created("vault");
    llm.record({ provider: "anthropic", model: "claude-haiku-4-5", inputTokens: 10, outputTokens: 5, duration: 1 });
    llm.record({ provider: "openai", model: "embed-1", operation: "embeddings", inputTokens: 7, duration: 0.2 });
    checkpoint.created();
    users.seen("u3");
  });
});

afterAll(async () => {
  await sdk.stop();
  configure({ priceBook: null, namespace: "" });
  context.disable();
});

describe("A: custom business metrics", () => {
  test("A: GET /workflows tells workflows created and executions by status", async () => {
    const { status, body } = await ask(api, "/workflows");
    expect(status).toBe(200);
    expect(body).toMatchObject({
      created: 3,
      active: 1,
      executions: { completed: 1, failed: 1, cancelled: 0, total: 2 },
      workflows: [
        { workflow: "billing", created: 2, active: 1, executions: { completed: 1, failed: 1, total: 2 } },
        { workflow: "vault", created: 1, active: 0, executions: { total: 0 }, averageDurationSeconds: null },
      ],
    });
  });

  test("A: GET /llm tells tokens by model and type, requests by model, and a latency histogram by model", async () => {
    const { body } = await ask(api, "/llm");
    expect(body).toMatchObject({
      requests: { completed: 3, failed: 1, total: 4 },
      tokens: { input: 167, output: 25, total: 192 },
      costUsd: "0.167000000",
      duration: { count: 4 },
      models: [
        {
          provider: "openai",
          model: "gpt-5",
          requests: { completed: 1, failed: 1, cancelled: 0, total: 2 },
          tokens: { input: 150, output: 20, total: 170 },
          costNanoUsd: "150000000",
          costUsd: "0.150000000",
          unpriced: 0,
          duration: { count: 2, sumSeconds: 6, averageSeconds: 3 },
        },
        { provider: "anthropic", model: "claude-haiku-4-5", requests: { total: 1 }, duration: { sumSeconds: 1 } },
        { provider: "openai", model: "embed-1", tokens: { input: 7, output: 0 }, duration: { count: 1 } },
      ],
    });
    const [{ duration }] = (body as { models: [{ duration: { buckets: { upToSeconds: number; count: number }[] } }] })
      .models;
    expect(duration.buckets.reduce((sum, { count }) => sum + count, 0)).toBe(2);
    const holding = duration.buckets.filter(({ count }) => count > 0);
    expect(holding[0]?.upToSeconds).toBeGreaterThanOrEqual(2);
    expect(holding.at(-1)?.upToSeconds).toBeGreaterThanOrEqual(4);
  });

  test("A: GET /checkpoints tells checkpoints created and approved", async () => {
    const { body } = await ask(api, "/checkpoints");
    expect(body).toMatchObject({
      created: 3,
      approved: 1,
      rejected: 0,
      expired: 0,
      checkpoints: [
        { checkpoint: "release", created: 2, approved: 1 },
        { checkpoint: null, created: 1, approved: 0 },
      ],
    });
  });

  test("A: GET /summary tells all live figures: webhooks sent by status and currently active users among them", async () => {
    const { body } = await ask(api, "/summary");
    expect(body).toMatchObject({
      live: {
        workflows: { created: 3, executions: { total: 2 } },
        llm: { requests: { total: 4 }, tokens: { total: 192 }, averageDurationSeconds: 1.8 },
        tasks: { completed: 1, total: 1, successRatio: 1 },
        toolCalls: { completed: 1, total: 1 },
        checkpoints: { created: 3, approved: 1 },
        webhooks: { completed: 1, failed: 1, cancelled: 0, total: 2 },
        activeUsers: { "5m": 3, "1h": 3, "1d": 3 },
      },
    });
    const { since } = (body as { live: { since: string } }).live;
    expect(Math.abs(Date.parse(since) - performance.timeOrigin)).toBeLessThan(2);
  });

  test("A: GET /prometheus gives the text that a scraper reads", async () => {
    const { status, headers, text } = await ask(api, "/prometheus");
    expect(status).toBe(200);
    expect(headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(text).toMatch(/^workflow_executions_total\{.*status="failed".*\} 1$/m);
    const open = await ask(api, "/prometheus", undefined, { headers: { accept: "application/openmetrics-text" } });
    expect(open.headers.get("content-type")).toMatch(/^application\/openmetrics-text/);
  });

  test("A: the same figures are read where the meters carry a namespace", async () => {
    configure({ namespace: "voice_agent" });
    workflow.created("named");
    const { body } = await ask(api, "/workflows");
    configure({ namespace: "" });
    expect(body).toMatchObject({
      workflows: expect.arrayContaining([expect.objectContaining({ workflow: "named", created: 1 })]),
    });
  });
});

test("B: GET /health/prometheus tells status, enabled, namespace, and how many counters, gauges and histograms there are", async () => {
  const { status, body } = await ask(api, "/health/prometheus");
  expect(status).toBe(200);
  expect(body).toMatchObject({ status: "healthy", enabled: true, namespace: "" });
  const { counters, gauges, histograms } = body as Record<string, number>;
  const text = (await ask(api, "/prometheus")).text;
  const kinds = Map.groupBy(text.matchAll(/^# TYPE (\S+) (\w+)$/gm), ([, name, kind]) =>
    name === "target_info" ? "info" : kind,
  );
  expect([counters, gauges, histograms]).toEqual(
    ["counter", "gauge", "histogram"].map((kind) => kinds.get(kind)?.length),
  );
});

describe("D: observability", () => {
  const acme = events.filter(({ tenant, kind }) => tenant === "acme" && kind === "llm_call");

  test("D: GET /latest gives one row per model call with its project, tokens, cost, times and outcome", async () => {
    const { body } = await ask(api, "/latest?tenant=acme&kind=llm_call&limit=500");
    const { rows, cursor } = body as { rows: Record<string, unknown>[]; cursor: null };
    expect([rows.length, cursor]).toEqual([acme.length, null]);
    expect(rows[0]).toEqual({
      eventId: expect.any(String),
      occurredAt: "2026-11-20T14:31:00.000Z",
      kind: "llm_call",
      tenant: "acme",
      employee: "bob",
      project: "chat",
      process: "answer",
      execution: "run-1",
      user: "user-1",
      provider: "anthropic",
      model: "claude-haiku-4-5",
      responseModel: "claude-haiku-4-5-20251001",
      serviceTier: "standard",
      name: null,
      promptTokens: 1200,
      completionTokens: 300,
      cacheReadTokens: 1000,
      cacheWriteTokens: 0,
      reasoningTokens: 100,
      totalTokens: 1500,
      costNanoUsd: "4200000",
      costUsd: "0.004200000",
      costStatus: "priced",
      inferenceMs: 2000,
      queueMs: 20,
      isSuccess: false,
      errorType: "timeout",
      attempts: 1,
      corrects: null,
    });
  });

  test("D: GET /latest gives every row once over its pages, and by process and errors", async () => {
    const seen: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const query = `/latest?tenant=acme&limit=33${cursor === "" ? "" : `&cursor=${cursor}`}`;
      const page = (await ask(api, query)).body as { rows: { eventId: string }[]; cursor: string | null };
      seen.push(...page.rows.map(({ eventId }) => eventId));
      cursor = page.cursor;
    }
    expect(seen.toSorted()).toEqual(
      events.flatMap(({ tenant, eventId }) => (tenant === "acme" ? eventId : [])).toSorted(),
    );
    const failed = (await ask(api, "/latest?tenant=acme&process=answer&errorsOnly=true")).body as { rows: object[] };
    expect(failed.rows).toHaveLength(8);
    const nothing = (await ask(api, "/latest?tenant=acme&process=nothing")).body;
    expect(nothing).toEqual({ rows: [], cursor: null });
  });

  test("D: GET /summary by project and date range: calls, tokens, cost, average inference time, success rate", async () => {
    const chat = acme.filter(({ project, occurredAt }) => project === "chat" && occurredAt.getUTCDate() <= 10);
    const { body } = await ask(api, "/summary?project=chat&from=2026-11-01&to=2026-11-10");
    expect(body).toMatchObject({
      live: null,
      history: {
        from: "2026-11-01",
        to: "2026-11-10",
        timeZone: "UTC",
        calls: 10,
        tokens: { input: 12_000, output: 3000, total: 15_000 },
        costNanoUsd: String(chat.reduce((sum, { costNanoUsd }) => sum + (costNanoUsd ?? 0n), 0n)),
        costUsd: "0.042000000",
        averageInferenceMs: 550,
        successRate: 0.8,
      },
    });
  });

  test("D: money is exact to the nano-dollar", async () => {
    const sum = acme.reduce((so, { costNanoUsd }) => so + (costNanoUsd ?? 0n), 0n);
    const { history } = (await ask(api, `/summary?tenant=acme&${range}`)).body as { history: Record<string, string> };
    expect(history["costNanoUsd"]).toBe(String(sum));
    expect(history["costUsd"]).toBe("0.294000210");
  });

  test("D: GET /by-provider gives the same by provider and model, most expensive first", async () => {
    const { body } = await ask(api, `/by-provider?${range}`);
    expect(body).toMatchObject({
      models: [
        { provider: "openai", model: "gpt-5", calls: 20, costUsd: "0.210000210", tokens: { input: 21_000 } },
        { provider: "anthropic", model: "claude-haiku-4-5", calls: 20, costUsd: "0.084000000", successRate: 0.8 },
        { provider: "openai", model: "gpt-5-mini", calls: 20, costUsd: "0.000000133", unpriced: 1 },
      ],
    });
  });

  test.each([
    ["hour", 1, 24, 3],
    ["day", 90, 90, 60],
    ["week", 28, 4, 60],
  ] as const)("D: GET /timeline by %s over %i days", async (step, days, atLeast, calls) => {
    const { body } = await ask(api, `/timeline?step=${step}&days=${days}`);
    const { periods } = body as { periods: { calls: number }[] };
    expect(periods.length).toBeGreaterThanOrEqual(atLeast);
    expect(periods.reduce((sum, period) => sum + period.calls, 0)).toBe(calls);
  });

  test("D: a timeline follows the time zone that is asked for, or the API's own", async () => {
    const berlin = usageApi({ tokens, timeZone: "Europe/Berlin" });
    const target = "/timeline?step=day&days=1&tenant=globex";
    // 23:45 in UTC is the next day in Berlin, where it has begun: the ledger's now is 23:50.
    expect((await ask(berlin, target)).body).toMatchObject({ timeZone: "Europe/Berlin", periods: [{ calls: 1 }] });
    expect((await ask(api, `${target}&timeZone=Asia/Kathmandu`)).body).toMatchObject({
      timeZone: "Asia/Kathmandu",
      periods: [{ date: "2026-11-21", from: "2026-11-20T18:15:00.000Z", calls: 1 }],
    });
  });

  test("D: GET /overview gives projects, today's calls, tokens and cost, and the month's", async () => {
    const { body } = await ask(api, "/overview");
    expect(body).toMatchObject({
      projects: 3,
      today: { date: "2026-11-20", calls: 3, tokens: { total: 5300 }, costUsd: "0.024200027" },
      month: { from: "2026-11-01", calls: 60, costUsd: "0.294000343", unpriced: 1 },
    });
  });

  test("D: GET /errors tells what failed", async () => {
    const { body } = await ask(api, `/errors?tenant=acme&${range}`);
    expect(body).toMatchObject({
      events: 80,
      errors: 8,
      successRatio: 0.9,
      groups: [
        { kind: "llm_call", provider: "anthropic", errors: 4 },
        { kind: "task", provider: null, errors: 4 },
      ],
    });
  });
});

describe("E: usage per tenant and employee", () => {
  test("E: GET /usage by year and month: tasks, average duration, tokens, tool calls, errors of tenants and employees", async () => {
    const { body } = await ask(api, "/usage?year=2026&month=11");
    expect(body).toMatchObject({
      year: 2026,
      month: 11,
      summary: {
        tenants: [
          {
            tenant: "acme",
            tasks: 20,
            durationMs: 60_210,
            averageDurationMs: 3010.5,
            tokens: 57_000,
            toolCalls: 20,
            errors: 8,
            successRatio: 0.8,
            costUsd: "0.294000210",
          },
          { tenant: "globex", tasks: 0, averageDurationMs: null, tokens: 30_000, successRatio: null },
        ],
        employees: [
          { tenant: "acme", employee: "ada", tasks: 20, tokens: 27_000, errors: 4 },
          { tenant: "acme", employee: "bob", tasks: 0, tokens: 30_000, errors: 4 },
          { tenant: "globex", employee: "carol", tokens: 30_000 },
        ],
      },
    });
  });

  test("E: the daily rows are one for each day, tenant and employee, and add up to the summary", async () => {
    const { daily } = (await ask(api, "/usage?year=2026&month=11")).body as {
      daily: { day: string; tenant: string; employee: string; tokens: number; costNanoUsd: string }[];
    };
    expect(daily).toHaveLength(60);
    expect(new Set(daily.map(({ day, tenant, employee }) => `${day} ${tenant} ${employee}`)).size).toBe(60);
    expect(daily[0]).toMatchObject({ day: "2026-11-01", tenant: "acme", employee: "ada", tokens: 400, tasks: 1 });
    const sum = daily.reduce((so, { costNanoUsd }) => so + BigInt(costNanoUsd), 0n);
    expect(sum).toBe(events.reduce((so, { costNanoUsd }) => so + (costNanoUsd ?? 0n), 0n));
  });

  test("E: GET /usage by tenant and employee, and by a year without daily rows", async () => {
    const { body } = await ask(api, "/usage?year=2026&tenant=acme&employee=bob");
    expect(body).toMatchObject({
      month: null,
      summary: { tenants: [{ tenant: "acme", tokens: 30_000 }], employees: [{ employee: "bob", tokens: 30_000 }] },
    });
    expect((body as { daily: object[] }).daily).toHaveLength(20);
    expect((await ask(api, "/usage?year=2026")).body).toMatchObject({ daily: null });
    expect((await ask(api, "/usage?year=2026&month=11&daily=false")).body).toMatchObject({ daily: null });
    expect((await ask(api, "/usage?year=2026&daily=true")).status).toBe(400);
    expect((await ask(api, "/usage?year=2025")).body).toMatchObject({ summary: { tenants: [], employees: [] } });
  });

  test("E: aggregation over all tenants, and the Prometheus export, are for administrators alone", async () => {
    for (const target of ["/prometheus", "/health/prometheus", `/top-tenants?${range}`]) {
      expect((await ask(api, target, acmeToken)).status).toBe(403);
      expect((await ask(api, target)).status).toBe(200);
    }
    expect((await ask(api, "/usage?year=2026&month=11", acmeToken)).body).toMatchObject({
      summary: { tenants: [{ tenant: "acme" }], employees: [{ employee: "ada" }, { employee: "bob" }] },
    });
  });

  test("E: GET /top-tenants gives who costs most", async () => {
    expect((await ask(api, `/top-tenants?${range}&by=calls&limit=1`)).body).toMatchObject({
      tenants: [{ tenant: "acme", calls: 40, costUsd: "0.294000210" }],
    });
  });
});

test("every figure of a server that is asked by curl on this machine is there without a token", async () => {
  const open = usageApi();
  const server = await listen(open.handler);
  const answer = await fetch(`${server.url}/summary?${range}`);
  expect(await answer.json()).toMatchObject({ live: { llm: { requests: { total: 4 } } }, history: { calls: 60 } });
  await server.close();
});
