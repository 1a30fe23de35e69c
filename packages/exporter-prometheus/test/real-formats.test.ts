import type { ResourceMetrics } from "@opentelemetry/sdk-metrics";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findServer, until } from "../../../test/support/servers.ts";
import { prometheus, type PrometheusOptions } from "../src/index.ts";
import { exponentialHistogramOf } from "./collect-values.ts";
import { collected, counter, exponentialHistogram, gauge, histogram, recorded } from "./metric-data.ts";
import { type RealPrometheus, type ScrapeTarget, startPrometheus } from "./real-prometheus.ts";
import { recordingDiag } from "./recording-diag.ts";

const textProtocols = ["OpenMetricsText1.0.0", "PrometheusText1.0.0"] as const;
const binary = findServer("prometheus");

/** Serves the same metrics for ever, whatever a meter provider can give. The caller shuts it down. */
async function serve(
  metrics: () => ResourceMetrics,
  options: PrometheusOptions = {},
): Promise<{ port: number; shutdown(): Promise<void> }> {
  const exporter = prometheus({ port: 0, ...options });
  const reader = exporter.createReader({ resourceAttributes: {}, namespace: "", diag: recordingDiag() });
  reader.setMetricProducer({ collect: () => Promise.resolve({ resourceMetrics: metrics(), errors: [] }) });
  const { port } = await until(() => exporter.address(), "the exporter to listen");
  return { port, shutdown: () => reader.shutdown() };
}

describe.skipIf(binary === undefined)("a real Prometheus", () => {
  const ends: (() => Promise<void>)[] = [];
  let server: RealPrometheus;
  const values = [0.3, 0.5, 1, 1.5, 2, 3, 5, 8, 13, 0];
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  const began = Math.floor(Date.now() / 1000);

  beforeAll(async () => {
    const targets: ScrapeTarget[] = [];
    const exponential = await exponentialHistogramOf(values);
    const native = await serve(() =>
      collected([exponentialHistogram({ name: "wait", unit: "s" }, [[{ a: "1" }, exponential]])]),
    );
    const exemplars = [{ value: 3, timestamp: [began, 0], traceId, spanId: "b7ad6b7169203331" }];
    const traced = await serve(
      () => {
        const metrics = [
          counter({ name: "calls" }, [[{ a: "1" }, 5]]),
          histogram({ name: "took" }, [[{}, recorded([1, 10], [3])]]),
        ];
        for (const one of metrics) Object.assign(one.dataPoints[0]!, { exemplars });
        return collected(metrics);
      },
      { withCreated: true },
    );
    const dotted = (): ResourceMetrics =>
      collected([
        counter({ name: "llm.cost", unit: "USD" }, [[{ "gen_ai.model": "m", 'odd"\\\n': "é" }, 1.5]]),
        histogram({ name: "llm.wait" }, [[{ "a.b": "1" }, recorded([1], [2])]]),
        gauge({ name: "модель.1", unit: "" }, [[{}, 7]]),
      ]);
    const untranslated = await serve(dotted, { translationStrategy: "NoTranslation" });
    const secret = await serve(dotted, { bearerToken: "s3cret" });
    ends.push(native.shutdown, traced.shutdown, untranslated.shutdown, secret.shutdown);

    targets.push({ job: "native", port: native.port, protocol: "PrometheusProto" });
    targets.push({ job: "native-text", port: native.port, protocol: "PrometheusText0.0.4" });
    targets.push({
      job: "native-and-classic",
      port: native.port,
      protocol: "PrometheusProto",
      settings: { always_scrape_classic_histograms: true },
    });
    for (const protocol of ["PrometheusProto", "OpenMetricsText1.0.0"] as const) {
      targets.push({ job: `traced-${protocol}`, port: traced.port, protocol });
    }
    for (const protocol of textProtocols) {
      for (const scheme of ["allow-utf-8", "underscores", "dots", "values"]) {
        const settings = {
          metric_name_validation_scheme: scheme === "allow-utf-8" ? "utf8" : "legacy",
          metric_name_escaping_scheme: scheme,
        };
        targets.push({ job: `${scheme}-${protocol}`, port: untranslated.port, protocol, settings });
      }
    }
    // It names no scheme for protobuf, so it gets what every server can read.
    targets.push({ job: "unnamed", port: untranslated.port, protocol: "PrometheusProto" });
    const authorization = { credentials: "s3cret" };
    targets.push({ job: "secret", port: secret.port, protocol: "PrometheusText0.0.4", settings: { authorization } });
    targets.push({ job: "no-secret", port: secret.port, protocol: "PrometheusText0.0.4" });
    server = await startPrometheus(binary ?? "", targets);
  });

  afterAll(async () => {
    await server?.stop();
    for (const end of ends) await end();
  });

  it("reads exponential histograms as native ones by protobuf, to the last count", async () => {
    const job = '{job="native",a="1"}';
    expect(await server.lastError("native")).toBe("");
    expect(await server.value(`histogram_count(wait_seconds${job})`)).toBe(values.length);
    expect(await server.value(`histogram_sum(wait_seconds${job})`)).toBeCloseTo(34.3, 10);
    expect(await server.value(`histogram_fraction(0, 2, wait_seconds${job})`)).toBeCloseTo(0.6, 1);
    const half = await server.value(`histogram_quantile(0.5, wait_seconds${job})`);
    expect(half).toBeGreaterThan(1.3);
    expect(half).toBeLessThan(2.1);
    expect(await server.query(`wait_seconds_bucket${job}`)).toEqual([]);
  });

  it("reads the same histograms as classic ones by text, and both kinds where it is asked to", async () => {
    expect(await server.value('wait_seconds_count{job="native-text"}')).toBe(values.length);
    expect(await server.value('wait_seconds_bucket{job="native-text",le="+Inf"}')).toBe(values.length);
    expect(await server.value('wait_seconds_count{job="native-and-classic"}')).toBe(values.length);
    expect(await server.value('histogram_count(wait_seconds{job="native-and-classic"})')).toBe(values.length);
  });

  it.each(["PrometheusProto", "OpenMetricsText1.0.0"])(
    "finds the trace behind a number by its exemplar in %s",
    async (protocol) => {
      const job = `{job="traced-${protocol}"}`;
      expect(await server.lastError(`traced-${protocol}`)).toBe("");
      for (const [query, value] of [
        [`calls_total${job}`, 3],
        [`took_bucket${job}`, 3],
      ] as const) {
        const [exemplar] = await until(async () => {
          const found = await server.exemplars(query);
          return found.length > 0 ? found : undefined;
        }, `exemplars of ${query}`);
        expect(exemplar).toEqual({ labels: { trace_id: traceId, span_id: "b7ad6b7169203331" }, value, seconds: began });
      }
    },
  );

  it("takes the begin of a series for a series of OpenMetrics", async () => {
    expect(await server.value('calls_created{job="traced-OpenMetricsText1.0.0"}')).toBe(1_700_000_000);
    expect(await server.value('calls_created{job="traced-PrometheusProto"}')).toBeUndefined();
  });

  it.each([
    ["allow-utf-8", "llm.cost", "gen_ai.model", "модель.1", "llm.wait_bucket"],
    ["underscores", "llm_cost", "gen_ai_model", `${"_".repeat(7)}1`, "llm_wait_bucket"],
    ["dots", "llm_dot_cost", "gen__ai_dot_model", `${"_".repeat(12)}_dot_1`, "llm_dot_wait_bucket"],
    [
      "values",
      "U__llm_2e_cost",
      "U__gen__ai_2e_model",
      "U___43c__43e__434__435__43b__44c__2e_1",
      "U__llm_2e_wait_bucket",
    ],
  ])("gets the names that it asked for with escaping %s, in every format", async (scheme, cost, label, odd, bucket) => {
    for (const protocol of textProtocols) {
      const job = `${scheme}-${protocol}`;
      expect([job, await server.lastError(job)]).toEqual([job, ""]);
      expect([job, await server.value(`{"${cost}","${label}"="m",job="${job}"}`)]).toEqual([job, 1.5]);
      expect([job, await server.value(`{"${bucket}",le="+Inf",job="${job}"}`)]).toEqual([job, 1]);
      expect([job, await server.value(`{"${odd}",job="${job}"}`)]).toEqual([job, 7]);
    }
  });

  it("gets words where it names no scheme", async () => {
    expect(await server.value('llm_cost{gen_ai_model="m",job="unnamed"}')).toBe(1.5);
  });

  it("shows its token and is let in, and not without", async () => {
    expect(await server.lastError("secret")).toBe("");
    expect(await server.value('llm_cost_usd_total{job="secret"}')).toBe(1.5);
    expect(await server.lastError("no-secret")).toContain("401");
  });
});
