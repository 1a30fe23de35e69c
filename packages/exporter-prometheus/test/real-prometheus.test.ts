import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findServer } from "../../../test/support/servers.ts";
import { hostileInputs } from "./hostile-input.ts";
import { checkMetrics, type RealPrometheus, type ScrapeTarget, startPrometheus } from "./real-prometheus.ts";
import { type StartedExporter, startExporter } from "./started-exporter.ts";

const prometheusBinary = findServer("prometheus");
const promtool = findServer("promtool");
const protocols = {
  text: "PrometheusText0.0.4",
  openmetrics: "OpenMetricsText1.0.0",
  protobuf: "PrometheusProto",
} as const;
const formats = ["text", "openmetrics", "protobuf"] as const;

describe.skipIf(prometheusBinary === undefined || promtool === undefined)("a real Prometheus", () => {
  const exporters: StartedExporter[] = [];
  let business: StartedExporter;
  let prometheus: RealPrometheus;

  beforeAll(async () => {
    const targets: ScrapeTarget[] = [];
    for (const [index, input] of hostileInputs.entries()) {
      const started = await startExporter();
      exporters.push(started);
      input.record(started.meter);
      for (const format of formats) {
        targets.push({ job: `${format}-${index}`, port: started.port, protocol: protocols[format] });
      }
    }
    business = await startExporter();
    exporters.push(business);
    recordBusiness(business);
    for (const format of formats) {
      targets.push({ job: `${format}-business`, port: business.port, protocol: protocols[format] });
    }
    prometheus = await startPrometheus(prometheusBinary ?? "", targets);
  });

  afterAll(async () => {
    await prometheus?.stop();
    await Promise.all(exporters.map(({ provider }) => provider.shutdown()));
  });

  describe.each(formats)("scraping %s", (format) => {
    it.each(hostileInputs.map((input, index) => [input.what, input, index] as const))(
      "keeps its target up and its sums right with %s",
      async (_, input, index) => {
        const job = `${format}-${index}`;
        expect(await prometheus.lastError(job)).toBe("");
        expect(await prometheus.value(`up{job="${job}"}`)).toBe(1);
        for (const [promql, expected] of Object.entries(input.expected)) {
          const query = promql.replace("{J", `{job="${job}"`);
          expect([query, await prometheus.value(query)]).toEqual([query, expected]);
        }
        expect(await prometheus.query(`{job="${job}",__name__=~"evil.*"}`)).toEqual([]);
      },
    );

    it("answers with exactly what the application counted", async () => {
      const job = `job="${format}-business"`;
      expect(await prometheus.value(`sum(llm_cost_usd_total{${job}})`)).toBe(12.5);
      expect(await prometheus.value(`sum(llm_requests_total{${job}})`)).toBe(100);
      expect(await prometheus.value(`gen_ai_client_inference_duration_seconds_count{${job}}`)).toBe(100);
      expect(await prometheus.value(`gen_ai_client_inference_duration_seconds_sum{${job}}`)).toBe(250);
      expect(await prometheus.value(`task_success_ratio{${job}}`)).toBe(0.75);
      expect(await prometheus.value(`user_active{${job},window="5m"}`)).toBe(7);
      expect(await prometheus.value(`session_active{${job}}`)).toBe(2);
      expect(await prometheus.value(`target_info{${job},service_name="shop"}`)).toBe(1);
      const half = `histogram_quantile(0.5, gen_ai_client_inference_duration_seconds_bucket{${job}})`;
      expect(await prometheus.value(half)).toBeCloseTo(2.5);
    });
  });

  it("has nothing to say against the names, units and descriptions of ordinary meters", async () => {
    const text = await business.exporter.render();
    expect(checkMetrics(promtool ?? "", text)).toEqual({ status: 0, complaints: "" });
  });

  it.each(hostileInputs.map((input, index) => [input.what, input, index] as const))(
    "reads the text with promtool after %s",
    async (_, { lint }, index) => {
      const text = (await exporters[index]?.exporter.render()) ?? "";
      const { status, complaints } = checkMetrics(promtool ?? "", text);
      if (lint === undefined) expect([status, complaints]).toEqual([0, ""]);
      // 3 is promtool's code for "readable, but not to my taste".
      else expect([status, complaints]).toEqual([3, expect.stringContaining(lint)]);
    },
  );
});

function recordBusiness({ meter }: StartedExporter): void {
  const cost = meter.createCounter("llm.cost", { unit: "USD", description: "What model calls cost" });
  const requests = meter.createCounter("llm.requests", { unit: "{request}", description: "Model calls" });
  const duration = meter.createHistogram("gen_ai.client.inference.duration", {
    unit: "s",
    description: "How long model calls take",
    advice: { explicitBucketBoundaries: [0.05, 0.1, 0.5, 1, 2, 3, 10, 60, 600] },
  });
  for (let call = 0; call < 100; call++) {
    const model = { "gen_ai.request.model": call % 2 === 0 ? "gpt" : "claude" };
    cost.add(0.125, model);
    requests.add(1, { ...model, status: "ok" });
    duration.record(2.5);
  }
  meter.createObservableGauge("task.success_ratio", { unit: "1", description: "Share" }).addCallback((result) => {
    result.observe(0.75);
  });
  meter.createGauge("user.active", { unit: "{user}", description: "Distinct users" }).record(7, { window: "5m" });
  meter.createUpDownCounter("session.active", { unit: "{session}", description: "Open sessions" }).add(2);
}
