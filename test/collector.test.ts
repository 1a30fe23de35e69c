import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { otlp } from "@meterbridge/exporter-otlp";
import { type DiagLogger, ValueType } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { findServer, freePort, type RunningProcess, startProcess, startServer, until } from "./support/servers.ts";

const otelcol = findServer("otelcol");
const victoriaMetrics = findServer("victoria-metrics");
const configuration = path.join(import.meta.dirname, "../otel-collector.yaml");

describe.skipIf(otelcol === undefined)("otel-collector.yaml", () => {
  it.each([
    {},
    {
      OTLP_HOST: "0.0.0.0",
      METRICS_ENDPOINT: "http://127.0.0.1:9090/api/v1/otlp/v1/metrics",
      DEBUG_VERBOSITY: "normal",
    },
  ])("is valid for a core collector under %j", (variables) => {
    const env = { PATH: process.env["PATH"], ...variables };

    expect(() =>
      execFileSync(otelcol ?? "", ["validate", `--config=${configuration}`], { env, stdio: "pipe" }),
    ).not.toThrow();
  });
});

describe.skipIf(otelcol === undefined || victoriaMetrics === undefined)(
  "a service, the collector and VictoriaMetrics",
  () => {
    let storage: string;
    let victoria: RunningProcess;
    let victoriaUrl: string;
    const cleanup: (() => Promise<void>)[] = [];

    beforeAll(async () => {
      storage = mkdtempSync(path.join(tmpdir(), "meterbridge-victoria-"));
      const address = `127.0.0.1:${await freePort()}`;
      victoriaUrl = `http://${address}`;
      victoria = await startServer(
        victoriaMetrics ?? "",
        [
          `-storageDataPath=${storage}`,
          `-httpListenAddr=${address}`,
          "-opentelemetry.usePrometheusNaming",
          // Points are to be found at once, not after 30 seconds.
          "-search.latencyOffset=1ms",
          "-search.disableCache",
        ],
        `${victoriaUrl}/health`,
      );
    });

    afterEach(async () => {
      for (const step of cleanup.splice(0).toReversed()) await step();
    });

    afterAll(async () => {
      await victoria.stop();
      rmSync(storage, { recursive: true, force: true });
    });

    it.each(["http/protobuf", "http/json"] as const)(
      "agree on the exact totals of counters, histograms and gauges sent as %s",
      async (protocol) => {
        const collector = await startCollector();
        const { meter, provider, told, service } = startService({ url: collector.url, protocol, compression: "gzip" });
        const orders = meter.createCounter("shop.orders", { unit: "{order}" });
        const cost = meter.createCounter("shop.cost", { unit: "USD" });
        const active = meter.createUpDownCounter("shop.active");
        const duration = meter.createHistogram("shop.duration", {
          unit: "s",
          advice: { explicitBucketBoundaries: [0.5, 1, 2] },
        });
        for (let order = 1; order <= 100; order++) {
          orders.add(1, { tenant: order % 4 === 0 ? "acme" : "other" });
          cost.add(0.25);
          active.add(order <= 60 ? 1 : -1);
          duration.record(order / 50);
        }
        meter.createGauge("shop.temperature").record(-12.5);
        await provider.shutdown();

        await until(async () => (await query(`shop_orders_total{${service}}`)).length === 2, "both series");
        expect(await value(`shop_orders_total{${service},tenant="acme"}`)).toBe(25);
        expect(await value(`shop_orders_total{${service},tenant="other"}`)).toBe(75);
        expect(await value(`shop_cost_USD_total{${service}}`)).toBe(25);
        expect(await value(`shop_active{${service}}`)).toBe(20);
        expect(await value(`shop_duration_seconds_count{${service}}`)).toBe(100);
        expect(await value(`shop_duration_seconds_sum{${service}}`)).toBeCloseTo(101, 9);
        expect(await value(`shop_duration_seconds_bucket{${service},le="0.5"}`)).toBe(25);
        expect(await value(`shop_duration_seconds_bucket{${service},le="+Inf"}`)).toBe(100);
        expect(await value(`shop_temperature{${service}}`)).toBe(-12.5);
        expect(told).toEqual([]);
      },
    );

    it.each(["http/protobuf", "http/json"] as const)(
      "lose nothing but the one bad number, sent as %s, of which another exporter loses the whole export",
      async (protocol) => {
        const collector = await startCollector();
        const { meter, provider, told, service } = startService({ url: collector.url, protocol });
        meter.createCounter("shop.orders").add(3);
        meter.createCounter("shop.poisoned").add(Number.NaN);
        meter.createHistogram("shop.duration").record(Number.POSITIVE_INFINITY);
        meter.createCounter("shop.huge", { valueType: ValueType.INT }).add(2 ** 70);
        meter.createCounter("shop.labelled").add(4, { bad: Number.NaN });
        await provider.shutdown();

        await until(() => value(`shop_orders_total{${service}}`), "the good counter");
        expect(await value(`shop_orders_total{${service}}`)).toBe(3);
        expect(Number(await value(`shop_huge_total{${service}}`)) / 2 ** 70, "kept to 15 digits").toBeCloseTo(1, 12);
        expect(await value(`shop_labelled_total{${service},bad="NaN"}`)).toBe(4);
        expect(await query(`shop_poisoned_total{${service}}`)).toEqual([]);
        expect(told).toEqual([expect.stringContaining("NaN or infinite are not sent: shop.poisoned, shop.duration")]);
      },
    );

    it("end with the right totals when the collector starts after the service", async () => {
      const ports = await freePorts();
      const { meter, provider, told, service } = startService({ url: ports.url });
      const orders = meter.createCounter("shop.orders");
      orders.add(40);
      await until(() => told.length > 0, "the first failed export");
      orders.add(2);
      await startCollector(ports);
      await until(() => told.length > 1, "the first export that works");
      await provider.shutdown();

      await until(async () => (await value(`shop_orders_total{${service}}`)) === 42, "the total");
      expect(told).toEqual([expect.stringContaining("ECONNREFUSED"), expect.stringContaining("work again")]);
    });

    it("end with the right totals when the collector is killed and comes back, and the service never notices", async () => {
      const crashes: unknown[] = [];
      const note = (error: unknown): void => void crashes.push(error);
      process.on("unhandledRejection", note);
      cleanup.push(async () => void process.off("unhandledRejection", note));
      const first = await startCollector();
      const { meter, provider, told, service } = startService({ url: first.url });
      const orders = meter.createCounter("shop.orders");
      const duration = meter.createHistogram("shop.duration", { unit: "s" });
      let recorded = 0;
      const record = (): void => {
        orders.add(1);
        duration.record(0.5);
        recorded += 1;
      };
      const traffic = setInterval(record, 5);
      cleanup.push(async () => clearInterval(traffic));

      await until(() => value(`shop_orders_total{${service}}`), "the first totals");
      await first.kill();
      await until(() => told.length > 0, "the first failed export");
      await startCollector(first);
      await until(() => told.at(-1)?.includes("work again"), "the first export that works");
      clearInterval(traffic);
      await provider.shutdown();

      await until(async () => (await value(`shop_orders_total{${service}}`)) === recorded, `the total of ${recorded}`);
      expect(await value(`shop_duration_seconds_count{${service}}`)).toBe(recorded);
      expect(await value(`shop_duration_seconds_sum{${service}}`)).toBe(recorded / 2);
      expect(crashes).toEqual([]);
    });

    it("let the service end within its deadline when the collector is dead", async () => {
      const collector = await startCollector();
      const { meter, provider, told } = startService({ url: collector.url, exportIntervalMillis: 10_000 });
      meter.createCounter("shop.orders").add(1);
      await provider.forceFlush();
      await collector.kill();
      const begin = performance.now();
      await provider.shutdown();

      expect(performance.now() - begin).toBeLessThan(4000);
      expect(told.at(-1)).toContain("shut down before");
    });

    it("take traces too, so that a service that sends them meets no error", async () => {
      const collector = await startCollector();
      const response = await fetch(collector.url.replace("/v1/metrics", "/v1/traces"), {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '{"resourceSpans":[]}',
      });

      expect(response.status).toBe(200);
    });

    /** A service of its own name, and what its exporter tells. */
    function startService(options: object) {
      const name = `service-${(serviceCount += 1)}`;
      const told: string[] = [];
      const tell = (message: string): void => void told.push(message);
      const diag: DiagLogger = { error: tell, warn: tell, info: tell, debug: () => {}, verbose: () => {} };
      const reader = otlp({ exportIntervalMillis: 250, ...options }).createReader({
        resourceAttributes: {},
        diag,
        namespace: "",
      });
      const resource = resourceFromAttributes({ "service.name": name });
      const provider = new MeterProvider({ readers: [reader], resource });
      cleanup.push(() => reader.shutdown());
      return { provider, meter: provider.getMeter("shop"), told, service: `service_name="${name}"` };
    }

    async function startCollector(ports?: Ports) {
      const { grpc, http, url } = ports ?? (await freePorts());
      const collector = startProcess(otelcol ?? "", [`--config=${configuration}`], {
        env: {
          PATH: process.env["PATH"],
          OTLP_GRPC_PORT: String(grpc),
          OTLP_HTTP_PORT: String(http),
          METRICS_ENDPOINT: `${victoriaUrl}/opentelemetry/v1/metrics`,
        },
      });
      cleanup.push(() => collector.stop());
      const headers = { "content-type": "application/x-protobuf" };
      await until(async () => (await fetch(url, { method: "POST", headers })).ok, "the collector to take OTLP");
      return { grpc, http, url, kill: () => collector.stop("SIGKILL") };
    }

    async function query(promql: string): Promise<readonly { readonly value: readonly [number, string] }[]> {
      // Otherwise fresh points are found after some ten seconds.
      await fetch(`${victoriaUrl}/internal/force_flush`);
      const response = await fetch(`${victoriaUrl}/api/v1/query?query=${encodeURIComponent(promql)}`);
      const answer: { data: { result: { value: [number, string] }[] } } = JSON.parse(await response.text());
      return answer.data.result;
    }

    /** The value of the one series that is asked for. */
    async function value(promql: string): Promise<number | undefined> {
      const [series, ...others] = await query(promql);
      if (others.length > 0) throw new Error(`${promql} gives ${others.length + 1} series`);
      return series === undefined ? undefined : Number(series.value[1]);
    }
  },
);

interface Ports {
  readonly grpc: number;
  readonly http: number;
  readonly url: string;
}

let serviceCount = 0;

async function freePorts(): Promise<Ports> {
  const [grpc, http] = [await freePort(), await freePort()];
  return { grpc, http, url: `http://127.0.0.1:${http}/v1/metrics` };
}
