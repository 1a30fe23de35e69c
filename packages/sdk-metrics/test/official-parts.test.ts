import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import { PrometheusExporter } from "@opentelemetry/exporter-prometheus";
import { HttpInstrumentation } from "@opentelemetry/instrumentation-http";
import { RuntimeNodeInstrumentation } from "@opentelemetry/instrumentation-runtime-node";
import {
  AggregationTemporality,
  MeterProvider as OfficialMeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { MeterProvider } from "../src/index.ts";
import { ManualReader } from "./manual-reader.ts";

const closing: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function listen(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The series of a scrape, without what differs in time. */
async function scrape(exporter: PrometheusExporter): Promise<string[]> {
  const url = await listen(createServer((request, response) => exporter.getMetricsRequestHandler(request, response)));
  const text = await (await fetch(url)).text();
  return text.split("\n").filter((line) => !line.startsWith("target_info"));
}

test.each([
  ["ours", MeterProvider],
  ["the official one", OfficialMeterProvider],
])("the official Prometheus exporter renders counters, gauges and histograms of %s", async (_, Provider) => {
  const exporter = new PrometheusExporter({ preventServerStart: true });
  const provider = new Provider({ readers: [exporter] });
  const meter = provider.getMeter("shop", "1");
  meter.createCounter("orders", { unit: "{order}" }).add(3, { tenant: 'a"b\\c\n' });
  meter.createUpDownCounter("open").add(-2);
  meter
    .createHistogram("duration", { unit: "s", advice: { explicitBucketBoundaries: [1, 5] } })
    .record(2, { route: "/" });
  meter.createObservableGauge("depth").addCallback((result) => result.observe(7));
  const lines = await scrape(exporter);
  const scope = 'otel_scope_name="shop",otel_scope_version="1"';
  expect(lines).toEqual(
    expect.arrayContaining([
      `orders_total{tenant="a\\"b\\\\c\\n",${scope}} 3`,
      `open{${scope}} -2`,
      `duration_bucket{route="/",${scope},le="5"} 1`,
      `depth{${scope}} 7`,
    ]),
  );
  await provider.shutdown();
});

test.each([AggregationTemporality.CUMULATIVE, AggregationTemporality.DELTA])(
  "the official OTLP exporter sends what it is given, with temporality %s, until shutdown",
  async (temporality) => {
    const bodies: Buffer[] = [];
    const url = await listen(
      createServer((request, response) => {
        request.on("data", (body: Buffer) => bodies.push(body));
        request.on("end", () => response.writeHead(200, { "content-type": "application/x-protobuf" }).end());
      }),
    );
    const exporter = new OTLPMetricExporter({ url, temporalityPreference: temporality });
    const provider = new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter })] });
    const counter = provider.getMeter("shop").createCounter("orders");
    counter.add(1, { tenant: "first-tenant" });
    await provider.forceFlush();
    counter.add(1, { tenant: "second-tenant" });
    await provider.shutdown();
    const [first = "", last = ""] = [bodies[0], bodies.at(-1)].map(String);
    expect(first).toContain("first-tenant");
    expect(last).toContain("second-tenant");
    expect(last.includes("first-tenant")).toBe(temporality === AggregationTemporality.CUMULATIVE);
  },
);

/** Names, kinds and units, and the keys of the attributes. */
async function shapeOf(reader: ManualReader): Promise<unknown[]> {
  const shown = await reader.shown();
  return shown.map(({ name, rest, points }) => {
    const { unit, type } = (rest as { descriptor: { unit: string; type: string } }).descriptor;
    const keys = new Set(points.flatMap(({ attributes }) => Object.keys(attributes)));
    return [name, type, unit, [...keys].toSorted()];
  });
}

test.each([
  [
    "http",
    () => new HttpInstrumentation(),
    requestOnce,
    ["http.server.request.duration", "http.client.request.duration"],
  ],
  [
    "runtime-node",
    () => new RuntimeNodeInstrumentation({ monitoringPrecision: 10 }),
    collectGarbage,
    ["v8js.gc.duration", "nodejs.eventloop.delay.p99", "nodejs.eventloop.utilization"],
  ],
] as const)(
  "the official instrumentation-%s meters the same into ours as into the official provider",
  async (_name, instrument, work, wanted) => {
    const shapes: unknown[][] = [];
    // One for both: a module that was patched once is not patched by another.
    const instrumentation = instrument();
    closing.push(() => instrumentation.disable());
    for (const Provider of [MeterProvider, OfficialMeterProvider]) {
      const reader = new ManualReader();
      const provider = new Provider({ readers: [reader] });
      instrumentation.setMeterProvider(provider);
      instrumentation.enable();
      let shape: unknown[] = [];
      await vi.waitFor(
        async () => {
          await work();
          shape = await shapeOf(reader);
          const names = shape.map((each) => (each as [name: string])[0]);
          expect(names).toEqual(expect.arrayContaining([...wanted]));
        },
        { timeout: 20_000, interval: 50 },
      );
      shapes.push(shape);
      await provider.shutdown();
    }
    expect(shapes[0]).toEqual(shapes[1]);
  },
);

/** Through `require`, which is what the instrumentation patches. */
async function requestOnce(): Promise<void> {
  const http = createRequire(import.meta.url)("http") as typeof import("node:http");
  const server = http.createServer((_request, response) => response.end("ok"));
  const url = await listen(server);
  await new Promise<void>((resolve, reject) => {
    http.get(url, { agent: false }, (response) => response.resume().on("end", resolve)).on("error", reject);
  });
}

/** For a collection to be told, and the event loop's delay to be looked at, before long. */
async function collectGarbage(): Promise<void> {
  const rubbish: number[][] = [];
  for (let round = 0; round < 50; round++) rubbish.push(Array.from({ length: 50_000 }, (_, at) => at));
  await new Promise((resolve) => setTimeout(resolve, 20 + (rubbish.length & 1)));
}
