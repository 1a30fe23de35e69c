import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Sent } from "../examples/demo/audit.ts";
import { openStage, type Stage } from "../examples/demo/stage.ts";
import { findServer, freePort, type RunningProcess, startProcess, startServer, until } from "./support/servers.ts";

// The demo's service and traffic, unchanged, in front of real backends. The truth is counted outside the service: by the
// traffic that asked and by the model server that answered.

const prometheus = findServer("prometheus");
const promtool = findServer("promtool");
const collector = findServer("otelcol");
const victoriaMetrics = findServer("victoria-metrics");

/** A backend needs a moment until it has everything. */
const patience = { timeout: 20_000, interval: 200 };

describe.skipIf(!prometheus || !promtool)("the demo scraped by a real Prometheus", () => {
  let folder: string;
  let stage: Stage | undefined;
  let server: RunningProcess | undefined;
  let page: string;
  let baseUrl: string;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "meterbridge-prometheus-"));
    stage = await playFor(5, {
      METERBRIDGE_EXPORTERS: "prometheus",
      OTEL_EXPORTER_PROMETHEUS_PORT: String(await freePort()),
    });
    page = stage.addresses.metrics ?? "";
    const configuration = path.join(folder, "prometheus.yml");
    const targets = JSON.stringify([new URL(page).host]);
    await writeFile(
      configuration,
      `scrape_configs: [{ job_name: demo, scrape_interval: 500ms, static_configs: [{ targets: ${targets} }] }]`,
    );
    const address = `127.0.0.1:${await freePort()}`;
    baseUrl = `http://${address}`;
    server = await startServer(
      prometheus ?? "",
      [`--config.file=${configuration}`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=${address}`],
      `${baseUrl}/-/ready`,
    );
  });

  afterAll(async () => {
    await stage?.stop();
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test("PromQL gives what was sent, to the unit", async () => {
    await expect.poll(() => totalsAt(baseUrl), patience).toEqual(totalsSent(stage));
  });

  test("promtool finds nothing wrong with the page", async () => {
    const response = await fetch(page, { headers: { accept: "text/plain" } });
    const { status, stdout, stderr } = spawnSync(promtool ?? "", ["check", "metrics"], {
      input: await response.text(),
      encoding: "utf8",
      timeout: 20_000,
    });
    expect({ status, told: `${stdout}${stderr}` }).toEqual({ status: 0, told: "" });
  });
});

describe.skipIf(!collector || !victoriaMetrics)(
  "the demo pushed to a real collector, with VictoriaMetrics behind it",
  () => {
    let folder: string;
    let stage: Stage | undefined;
    const servers: RunningProcess[] = [];
    let endpoint: string;
    let baseUrl: string;

    beforeAll(async () => {
      folder = await mkdtemp(path.join(tmpdir(), "meterbridge-collector-"));
      const address = `127.0.0.1:${await freePort()}`;
      baseUrl = `http://${address}`;
      servers.push(
        await startServer(
          victoriaMetrics ?? "",
          [
            `-storageDataPath=${folder}`,
            `-httpListenAddr=${address}`,
            "-opentelemetry.usePrometheusNaming",
            "-search.latencyOffset=0s",
            "-search.disableCache",
          ],
          `${baseUrl}/health`,
        ),
      );
      const [httpPort, grpcPort] = [await freePort(), await freePort()];
      endpoint = `http://127.0.0.1:${httpPort}`;
      const configuration = path.join(import.meta.dirname, "../otel-collector.yaml");
      const collecting = startProcess(collector ?? "", [`--config=${configuration}`], {
        env: {
          ...process.env,
          OTLP_HTTP_PORT: String(httpPort),
          OTLP_GRPC_PORT: String(grpcPort),
          METRICS_ENDPOINT: `${baseUrl}/opentelemetry/v1/metrics`,
        },
      });
      servers.push(collecting);
      await until(() => collecting.output().includes("Everything is ready"), "the collector");
    });

    afterEach(async () => stage?.stop());

    afterAll(async () => {
      for (const server of servers.toReversed()) await server.stop();
      await rm(folder, { recursive: true, force: true });
    });

    test("METERBRIDGE_EXPORTERS=otlp alone brings what was sent there, to the unit", async () => {
      stage = await playFor(5, {
        METERBRIDGE_EXPORTERS: "otlp",
        OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
        OTEL_SERVICE_NAME: "pushed",
      });
      await expect.poll(() => totalsAt(baseUrl, 'service_name="pushed"'), patience).toEqual(totalsSent(stage));
    });

    test("METERBRIDGE_EXPORTERS=prometheus,otlp gives the same cost, tokens and calls there as on the page", async () => {
      stage = await playFor(5, {
        METERBRIDGE_EXPORTERS: "prometheus,otlp",
        OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
        OTEL_EXPORTER_PROMETHEUS_PORT: String(await freePort()),
        OTEL_SERVICE_NAME: "both",
      });
      await expect.poll(() => totalsAt(baseUrl, 'service_name="both"'), patience).toEqual(totalsSent(stage));
      const cost = await query(
        baseUrl,
        `sum by (model) ({__name__=~"llm_cost_(usd|USD)_total", service_name="both"})`,
        "model",
      );
      const page = await stage.readPrometheus();
      const priced = page?.models.filter((row) => row.costUsd > 0) ?? [];
      expect(priced).toHaveLength(4);
      for (const row of priced) expect(cost[row.model]).toBeCloseTo(row.costUsd, 9);
    });
  },
);

/** Runs the demo's traffic for some seconds and lets it come to rest. The service stays. */
async function playFor(seconds: number, environment: NodeJS.ProcessEnv): Promise<Stage> {
  const stage = await openStage({ ticketsPerSecond: 8, seed: 2, environment: { ...process.env, ...environment } });
  await sleep(seconds * 1000);
  await stage.traffic.stop();
  return stage;
}

interface Totals {
  readonly requests: number;
  readonly users: number;
  readonly failedTickets: number;
  readonly tenants: readonly string[];
  /** By model, as are the tokens. */
  readonly calls: Record<string, number>;
  readonly inputTokens: Record<string, number>;
  readonly outputTokens: Record<string, number>;
}

function totalsSent(stage: Stage | undefined): Totals {
  const sent = stage?.sent();
  if (sent === undefined || sent.requests < 30) throw new Error(`too little was sent: ${JSON.stringify(sent)}`);
  return {
    requests: sent.requests,
    users: sent.users,
    failedTickets: sent.outcomes["failed"] ?? 0,
    tenants: Object.keys(sent.tenants).toSorted(),
    calls: valuesOf(sent, "calls"),
    inputTokens: valuesOf(sent, "inputTokens"),
    outputTokens: valuesOf(sent, "outputTokens"),
  };
}

/** The same by PromQL, of the series that match the selector. */
async function totalsAt(baseUrl: string, selector = ""): Promise<Totals> {
  // VictoriaMetrics would show what has come in only some seconds later. Prometheus has no such page.
  await fetch(`${baseUrl}/internal/force_flush`);
  const byLabel = (name: string, label: string) => query(baseUrl, `sum by (${label}) (${name}{${selector}})`, label);
  const total = async (name: string, labels = "") => {
    const all = [selector, labels].filter((part) => part !== "").join(",");
    return (await query(baseUrl, `sum(${name}{${all}})`, ""))[""] ?? 0;
  };
  return {
    requests: await total("http_server_request_duration_seconds_count"),
    users: await total("user_active", 'window="1d"'),
    failedTickets: await total("workflow_executions_total", 'status="failed"'),
    tenants: Object.keys(await byLabel("llm_requests_total", "tenant")).toSorted(),
    calls: await byLabel("llm_requests_total", "model"),
    inputTokens: await byLabel("gen_ai_client_inference_usage_input_tokens_total", "gen_ai_request_model"),
    outputTokens: await byLabel("gen_ai_client_inference_usage_output_tokens_total", "gen_ai_request_model"),
  };
}

function valuesOf(sent: Sent, figure: "calls" | "inputTokens" | "outputTokens"): Record<string, number> {
  return Object.fromEntries(Object.entries(sent.models).map(([model, bill]) => [model, bill[figure]]));
}

interface Answer {
  readonly data: { readonly result: readonly { metric: Record<string, string>; value: [number, string] }[] };
}

/** The result of an instant PromQL query, by the value of one label. */
async function query(baseUrl: string, promql: string, label: string): Promise<Record<string, number>> {
  const response = await fetch(`${baseUrl}/api/v1/query?${new URLSearchParams({ query: promql }).toString()}`);
  if (!response.ok) throw new Error(`${promql}: ${response.status} ${await response.text()}`);
  const { data } = (await response.json()) as Answer;
  return Object.fromEntries(data.result.map(({ metric, value }) => [metric[label] ?? "", Number(value[1])]));
}
