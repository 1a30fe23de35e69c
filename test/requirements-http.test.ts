import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type {
  ByProviderAnswer,
  LiveCheckpointsAnswer,
  LiveLlmAnswer,
  LiveWorkflowsAnswer,
  OverviewAnswer,
  PrometheusHealthAnswer,
  SummaryAnswer,
  TimelineAnswer,
  UsageAnswer,
} from "@meterbridge/http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Sent } from "../examples/demo/audit.ts";
import { openStage, type Stage } from "../examples/demo/stage.ts";
import { findServer, freePort, startServer, until } from "./support/servers.ts";

// What the systems that this one replaces offer over HTTP, asked of the demo while it runs. The truth is counted outside the
// service, by the traffic that asked and the model server that answered.

const admin = "an-administrators-token-of-the-demo-0001";
const acme = "the-token-of-the-tenant-acme-of-the-demo";

let stage: Stage;
let sent: Sent;
let folder: string;
let url: string;
let logFile: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "meterbridge-requirements-"));
  logFile = path.join(folder, "service.log");
  const tokensFile = path.join(folder, "tokens.json");
  await writeFile(tokensFile, JSON.stringify({ tokens: [{ token: acme, scope: "tenant", tenant: "acme" }] }), {
    mode: 0o600,
  });
  stage = await openStage({
    ticketsPerSecond: 10,
    seed: 3,
    environment: {
      ...process.env,
      METERBRIDGE_EXPORTERS: "prometheus",
      OTEL_EXPORTER_PROMETHEUS_PORT: String(await freePort()),
      METERBRIDGE_API_ADMIN_TOKEN: admin,
      METERBRIDGE_API_TOKENS_FILE: tokensFile,
      LOG_FILE: logFile,
    },
  });
  url = stage.addresses.service;
  await sleep(6000);
  // Which model call fails is up to chance and the machine's pace: the run is over when there was one of each kind to tell of.
  await until(() => showsAll(stage.sent()), "the traffic to have every tenant served and a request failed", 30);
  await stage.traffic.stop();
  sent = stage.sent();
  // The ledger takes a moment, not more.
  await until(
    async () => (await get<OverviewAnswer>("/overview")).today.calls === callsSent(),
    "the ledger to have every call",
  );
});

function showsAll({ failedRequests, tenants, outcomes }: Sent): boolean {
  return failedRequests > 0 && Object.keys(tenants).length === 4 && (outcomes["answered"] ?? 0) > 25;
}

afterAll(async () => {
  await stage?.stop();
  await rm(folder, { recursive: true, force: true });
});

describe("A: a metrics service of one's own", () => {
  test("GET /metrics/workflows tells workflows created, and executions by status", async () => {
    const { workflows } = await get<LiveWorkflowsAnswer>("/workflows");
    const ticket = workflows.find(({ workflow }) => workflow === "support-ticket");
    expect(ticket?.executions).toMatchObject({
      completed: sent.outcomes["answered"] ?? 0,
      cancelled: (sent.outcomes["rejected"] ?? 0) + (sent.outcomes["expired"] ?? 0),
      total: ticketsSent(),
    });
    expect(ticket).toMatchObject({ active: 0 });
  });

  test("GET /metrics/llm tells requests, tokens by model and type, and latency by model, to the unit", async () => {
    const { models } = await get<LiveLlmAnswer>("/llm");
    const told = models.map(({ model, requests, tokens, duration }) => {
      expect(duration.count).toBe(requests.total);
      return [
        model,
        { calls: requests.total, failed: requests.failed, inputTokens: tokens.input, outputTokens: tokens.output },
      ];
    });
    expect(Object.fromEntries(told)).toEqual(sent.models);
  });

  test("GET /metrics/checkpoints tells checkpoints created, approved, rejected and expired", async () => {
    const answer = await get<LiveCheckpointsAnswer>("/checkpoints");
    expect(answer).toMatchObject({ rejected: sent.outcomes["rejected"] ?? 0, expired: sent.outcomes["expired"] ?? 0 });
    expect(answer.created).toBe(answer.approved + answer.rejected + answer.expired);
  });

  test("GET /metrics/summary tells it all, webhooks by status and the users active now included", async () => {
    const { live } = await get<SummaryAnswer>("/summary");
    expect(live?.activeUsers?.["5m"]).toBe(sent.users);
    expect(live?.webhooks).toMatchObject({ completed: sent.webhooks.received, failed: sent.webhooks.refused });
    expect(live?.tasks.total).toBe(ticketsSent());
  });

  test("GET /metrics/prometheus gives the same in Prometheus's format", async () => {
    const page = await text("/prometheus");
    const samples = [...page.matchAll(/^llm_requests_total\{.*\} (\d+)$/gm)].map(([, value]) => Number(value));
    expect(samples.reduce((sum, value) => sum + value, 0)).toBe(callsSent());
  });
});

describe("B: a voice agent's Prometheus exporter", () => {
  test("GET /health/prometheus tells status, enabled, namespace, and how many counters, gauges, histograms there are", async () => {
    const answer = await get<PrometheusHealthAnswer>("/health/prometheus");
    expect(answer).toMatchObject({ status: "healthy", enabled: true, namespace: "" });
    expect(answer.counters).toBeGreaterThan(10);
    expect(answer.gauges).toBeGreaterThan(1);
    expect(answer.histograms).toBeGreaterThan(5);
  });

  test("values are fresh at each scrape: a request shows in the next", async () => {
    const served = async (): Promise<number> => {
      const page = await text("/prometheus");
      return Number(
        /^http_server_request_duration_seconds_count\{.*http_route="\/reviews".*\} (\d+)$/m.exec(page)?.[1],
      );
    };
    const before = await served();
    await fetch(`${url}/reviews`);
    expect(await served()).toBe(before + 1);
  });

  test("no session, user or request id becomes a label, whatever the traffic carries", async () => {
    const page = await text("/prometheus");
    // The resource's own id, which is the process's, is no label of a meter.
    const lines = page.split("\n").filter((line) => !line.startsWith("target_info{"));
    expect(lines.filter((line) => /acme-\d|(session|user|request)_id=|[0-9a-f]{8}-[0-9a-f]{4}-/.test(line))).toEqual(
      [],
    );
  });
});

describe("C: a middleware that tracks every request", () => {
  test("counts requests by method, route and status as many as were sent", async () => {
    const page = await text("/prometheus");
    const lines = [...page.matchAll(/^http_server_request_duration_seconds_count\{(.*)\} (\d+)$/gm)];
    const ours = lines.filter(([, labels = ""]) => !/http_route="\/api\//.test(labels));
    const total = ours.reduce((sum, [, , value]) => sum + Number(value), 0);
    // This test's own request, above, is one of /reviews.
    expect(total).toBe(sent.requests + 1);
    const labels = ours.map(([, each = ""]) => each).join("\n");
    expect(labels).toMatch(/http_request_method="POST",http_response_status_code="200",http_route="\/tickets"/);
    expect(labels).toMatch(/http_route="\/sessions\/:id"/);
  });

  const prometheus = findServer("prometheus");
  test.skipIf(!prometheus)("a real Prometheus scrapes it from the application's own server", async () => {
    const configuration = path.join(folder, "prometheus.yml");
    await writeFile(
      configuration,
      JSON.stringify({
        scrape_configs: [
          {
            job_name: "demo",
            scrape_interval: "500ms",
            metrics_path: "/api/v1/metrics/prometheus",
            authorization: { credentials: admin },
            static_configs: [{ targets: [new URL(url).host] }],
          },
        ],
      }),
    );
    const address = `127.0.0.1:${await freePort()}`;
    const server = await startServer(
      prometheus ?? "",
      [`--config.file=${configuration}`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=${address}`],
      `http://${address}/-/ready`,
    );
    try {
      const query = new URLSearchParams({ query: "sum(llm_requests_total)" });
      const totalThere = async (): Promise<unknown> => {
        const answer = await fetch(`http://${address}/api/v1/query?${query}`);
        const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
        return data.result[0]?.value[1];
      };
      await expect.poll(totalThere, { timeout: 15_000, interval: 200 }).toBe(String(callsSent()));
    } finally {
      await server.stop();
    }
  });
});

describe("D: observability of an application", () => {
  test("GET /metrics/summary tells calls, tokens, cost, average inference and success rate of a range", async () => {
    const today = new Date().toISOString().slice(0, 10);
    const { history } = await get<SummaryAnswer>(`/summary?from=${today}&to=${today}`);
    const failed = Object.values(sent.models).reduce((sum, model) => sum + model.failed, 0);
    expect(history).toMatchObject({ calls: callsSent(), tasks: ticketsSent() });
    expect(history?.tokens.total).toBe(tokensSent());
    expect(Number(history?.costUsd)).toBeGreaterThan(0);
    expect(history?.averageInferenceMs).toBeGreaterThan(50);
    expect(history?.successRate).toBeCloseTo(1 - failed / callsSent(), 10);
  });

  test("GET /metrics/by-provider tells the same by provider and model", async () => {
    const { models } = await get<ByProviderAnswer>("/by-provider");
    expect(Object.fromEntries(models.map((each) => [each.model, each.calls]))).toEqual(
      Object.fromEntries(Object.entries(sent.models).map(([model, each]) => [model, each.calls])),
    );
    expect(new Set(models.map(({ provider }) => provider))).toEqual(new Set(["openai", "anthropic"]));
  });

  test.each([
    ["hour", 1, 24],
    ["day", 90, 90],
    ["week", 30, 5],
  ])(
    "GET /metrics/timeline by %s over %i days has a period for each, and no call is missing",
    async (step, days, least) => {
      const { periods } = await get<TimelineAnswer>(`/timeline?step=${step}&days=${days}`);
      expect(periods.length).toBeGreaterThanOrEqual(step === "hour" ? 1 : least);
      expect(periods.reduce((sum, period) => sum + period.calls, 0)).toBe(callsSent());
    },
  );

  test.each(["0", "91", "abc", "1e9", "-1", "1.5"])("?days=%s is refused with what is allowed", async (days) => {
    const response = await ask(`/timeline?days=${days}`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: { parameter: "days", allowed: expect.stringContaining("90") },
    });
  });

  test("GET overview tells today and this month, calls, tokens and cost", async () => {
    const { today, month } = await get<OverviewAnswer>("/overview");
    expect(today.calls).toBe(callsSent());
    expect(month.calls).toBe(callsSent());
    expect(month.costUsd).toBe(today.costUsd);
  });

  test("X-Request-ID is on every answer: the client's where it is sane, else a new one", async () => {
    const given = await fetch(`${url}/reviews`, { headers: { "x-request-id": "order-4711" } });
    expect(given.headers.get("x-request-id")).toBe("order-4711");
    const made = await fetch(`${url}/nowhere`, { headers: { "x-request-id": "a b<script>" } });
    expect(made.status).toBe(401);
    expect(made.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("the log of the run parses line by line, has the fields, and holds no secret", async () => {
    const lines = (await readFile(logFile, "utf8")).trimEnd().split("\n");
    const parsed = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const answered = parsed.filter((line) => line["message"] === "request completed" && line["route"] === "/tickets");
    expect(answered.length).toBeGreaterThan(20);
    for (const line of answered) {
      expect(line).toMatchObject({
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        level: "info",
        logger: "support-desk",
        request_id: expect.any(String),
        method: "POST",
        duration_ms: expect.any(Number),
      });
    }
    const whose = new Set(answered.flatMap((line) => line["tenant"] ?? []));
    expect(whose).toEqual(new Set(["acme", "globex", "initech", "northwind"]));
    const failed = parsed.find((line) => line["message"] === "request failed");
    expect(failed).toMatchObject({ level: "error", status: 502, exception: { type: expect.any(String) } });
    expect(lines.join("\n")).not.toMatch(/parcel|refund|damaged|no-key-needed|-token-of-/);
  });

  test.each([
    ["/health", { status: "healthy" }],
    ["/health/ready", { ready: true }],
    ["/health/live", {}],
  ])("GET %s answers 200", async (route, told) => {
    const response = await fetch(`${url}${route}`);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject(told);
  });
});

describe("E: usage by tenant and employee", () => {
  const now = new Date();
  const thisMonth = `/usage?year=${now.getUTCFullYear()}&month=${now.getUTCMonth() + 1}`;

  test("GET /metrics with year and month tells tasks, duration, tokens, tool calls, errors by tenant, and daily rows", async () => {
    const { summary, daily } = await get<UsageAnswer>(thisMonth);
    expect(summary.tenants.map(({ tenant }) => tenant).toSorted()).toEqual(Object.keys(sent.tenants).toSorted());
    expect(summary.tenants.reduce((sum, row) => sum + row.tasks, 0)).toBe(ticketsSent());
    expect(summary.tenants.reduce((sum, row) => sum + row.tokens, 0)).toBe(tokensSent());
    expect(daily?.reduce((sum, row) => sum + row.tasks, 0)).toBe(ticketsSent());
    for (const row of summary.tenants) {
      expect(row.averageDurationMs).toBeGreaterThan(0);
      expect(row.toolCalls).toBeGreaterThan(0);
      expect(row.successRatio).toBeLessThanOrEqual(1);
    }
  });

  test("is for administrators: nobody without a token, a tenant's token its own rows, another tenant's id nothing", async () => {
    const withoutToken = await fetch(`${url}/api/v1/metrics${thisMonth}`);
    expect(withoutToken.status).toBe(401);
    const own = (await (await ask(thisMonth, acme)).json()) as UsageAnswer;
    expect(own.summary.tenants.map(({ tenant }) => tenant)).toEqual(["acme"]);
    for (const other of ["globex", "no-such-tenant"]) {
      const refused = await ask(`${thisMonth}&tenant=${other}`, acme);
      expect(refused.status).toBe(403);
      expect(await refused.text()).not.toContain(other);
    }
    expect((await ask("/prometheus", acme)).status).toBe(403);
    expect((await ask("/prometheus", `${admin.slice(0, -1)}2`)).status).toBe(401);
  });
});

function ask(route: string, token: string = admin): Promise<Response> {
  return fetch(`${url}/api/v1/metrics${route}`, { headers: { authorization: `Bearer ${token}` } });
}

async function text(route: string): Promise<string> {
  const response = await ask(route);
  if (!response.ok) throw new Error(`${route} answered ${response.status}: ${await response.text()}`);
  return await response.text();
}

async function get<Answer>(route: string): Promise<Answer> {
  return JSON.parse(await text(route)) as Answer;
}

function callsSent(): number {
  return Object.values(sent.models).reduce((sum, model) => sum + model.calls, 0);
}

function tokensSent(): number {
  return Object.values(sent.models).reduce((sum, model) => sum + model.inputTokens + model.outputTokens, 0);
}

function ticketsSent(): number {
  return Object.values(sent.outcomes).reduce((sum, count) => sum + count, 0);
}
