import * as core from "@meterbridge/core";
import { prometheus } from "@meterbridge/exporter-prometheus";
import { context, diag, metrics } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startPrometheus, type RealPrometheus } from "../packages/exporter-prometheus/test/real-prometheus.ts";
import { garbage } from "../packages/core/test/hostile.ts";
import { findServer, until } from "./support/servers.ts";

const binary = findServer("prometheus");
const tenants = 100_000;

// Everything that breaks other exporters' scrapes, recorded through core; what a raw OpenTelemetry instrument can do to a scrape
// is tested beside the exporter.
describe.skipIf(binary === undefined)(
  "a real Prometheus, after an application has recorded everything it must not",
  () => {
    const exporter = prometheus({ port: 0 });
    const reader = exporter.createReader({ resourceAttributes: {}, diag, namespace: "" });
    const provider = new MeterProvider({ readers: [reader] });
    let server: RealPrometheus;

    beforeAll(async () => {
      context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
      metrics.setGlobalMeterProvider(provider);
      recordBadValues();
      recordBadCalls();
      recordBadLabels();
      const { port } = await until(() => exporter.address(), "the exporter to listen");
      server = await startPrometheus(binary ?? "", [{ job: "text", port, protocol: "PrometheusText0.0.4" }]);
      await recordTooManyTenants();
      await until(async () => (await server.value("sum(tenants_total)")) === tenants, "the last tenants to be scraped");
    });

    afterAll(async () => {
      await server?.stop();
      metrics.disable();
      context.disable();
      await provider.shutdown();
    });

    test("still scrapes", async () => {
      expect(await server.lastError("text")).toBe("");
      expect(await server.value("up")).toBe(1);
    });

    test("has exact sums, whatever was recorded between good values", async () => {
      expect(await server.value("sum(values_total)")).toBe(12);
      expect(await server.value("sum(spread_sum)")).toBe(12);
      expect(await server.value("sum(spread_count)")).toBe(2);
      expect(await server.value('sum(llm_requests_total{model="good"})')).toBe(1);
      expect(
        await server.value('sum(gen_ai_client_inference_usage_input_tokens_total{gen_ai_request_model="good"})'),
      ).toBe(100);
      expect(await server.value('tool_calls_total{tool="good",status="completed"}')).toBe(1);
    });

    test("shows no value that is not finite, and no series that was smuggled in", async () => {
      const samples = await server.query('{job="text"}');
      expect(samples.length).toBeGreaterThan(100);
      expect(samples.filter(({ value }) => !Number.isFinite(value) || value < 0)).toEqual([]);
      expect(await server.query('{__name__=~"evil.*"}')).toEqual([]);
    });

    test("shows hostile label values as they are, as far as they can be kept", async () => {
      expect(await server.value("sum(labels_total)")).toBe(hostileLabels.length + 600);
      const shown = (await server.query("labels_total")).map(({ metric }) => metric["shop"]);
      expect(shown).toEqual(
        expect.arrayContaining(['x"} 1\nevil 0\n', "a\0b", "back\\slash", "north\ufffd", "__proto__"]),
      );
    });

    test("shows a hundred thousand tenants as a bounded number of series with an exact sum", async () => {
      expect(await server.value("sum(tenants_total)")).toBe(tenants);
      expect(await server.value("count(tenants_total)")).toBeLessThan(2000);
      expect(await server.value('tenants_total{tenant="other"}')).toBeGreaterThan(tenants / 2);
    });

    test("shows what was refused and what was dropped, by meter", async () => {
      expect(await server.value('sum(meterbridge_values_refused_total{meter="values"})')).toBeGreaterThan(10);
      expect(await server.value('sum(meterbridge_values_refused_total{meter="labels",reason="attribute_cut"})')).toBe(
        600,
      );
      expect(await server.value('meterbridge_series_dropped_total{meter="tenants"}')).toBeGreaterThan(tenants / 2);
    });
  },
);

const counter = { instrument: "counter", unit: "1", description: "Recorded" } as const;

function recordBadValues(): void {
  const own = core.defineMeters({
    values: { ...counter, name: "values" },
    spread: { ...counter, name: "spread", instrument: "histogram", buckets: [1, 10] },
  });
  const bad = garbage().filter(([name]) => name !== "a small BigInt");
  for (const value of [7, ...bad.map(([, each]) => each), 5]) {
    own.values.add(value as number);
    own.spread.record(value as number);
  }
}

function recordBadCalls(): void {
  for (const [, value] of garbage()) {
    const given = value as never;
    core.llm.record(given);
    core.llm.record({
      provider: given,
      model: given,
      inputTokens: given,
      duration: given,
      costUsd: given,
      timePerOutputChunk: given,
    });
    core.workflow.start(given).fail(given);
    core.agent.start(given).node(given).complete();
    core.tool.record({ tool: given, status: given, duration: given });
    core.task.record(given);
    core.checkpoint.decided(given, given);
    core.users.seen(given);
    core.http.start(given).end(given);
    core.http.record({ method: given, status: given, route: given, duration: given });
    core.database.record({ system: given, duration: given });
    core.rag.record({ index: given, status: given, duration: given, documents: given });
    core.withAttribution({ tenant: given }, () => core.checkpoint.created());
  }
  core.llm.record({ provider: "openai", model: "good", inputTokens: 100 });
  core.tool.record({ tool: "good", status: "completed", duration: 1 });
}

const hostileLabels = [
  'x"} 1\nevil 0\n',
  "\n# TYPE evil counter\nevil 1",
  "a\0b",
  "back\\slash",
  "\r\u2028\u2029",
  "north\ud800",
  "😀",
  "__proto__",
  "{}",
  " ",
  "",
];

function recordBadLabels(): void {
  const { labels } = core.defineMeters({ labels: { ...counter, name: "labels", attributes: { shop: "string" } } });
  for (const shop of hostileLabels) labels.add(1, { shop });
  for (let index = 0; index < 600; index++) labels.add(1, { shop: `${index} ${"x".repeat(1_000_000)}` });
}

async function recordTooManyTenants(): Promise<void> {
  const own = core.defineMeters({ tenants: { ...counter, name: "tenants" } });
  for (let tenant = 0; tenant < tenants; tenant++) {
    core.withAttribution({ tenant: `tenant-${tenant}` }, () => own.tenants.add(1));
    // Scrapes of the running server come in between.
    if (tenant % 2000 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
