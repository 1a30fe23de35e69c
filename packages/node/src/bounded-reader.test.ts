import type { Attributes } from "@opentelemetry/api";
import {
  AggregationTemporality,
  AggregationType,
  createAllowListAttributesProcessor,
  InMemoryMetricExporter,
  InstrumentType,
  MeterProvider,
  type MetricData,
  MetricReader,
  PeriodicExportingMetricReader,
  type ResourceMetrics,
} from "@opentelemetry/sdk-metrics";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { boundedReader } from "./bounded-reader.ts";

class ManualReader extends MetricReader {
  readonly calls: string[] = [];
  protected override async onShutdown(): Promise<void> {
    this.calls.push("shutdown");
  }
  protected override async onForceFlush(): Promise<void> {
    this.calls.push("forceFlush");
  }
}

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: 1_700_000_000_000 }));
afterEach(() => void vi.useRealTimers());

function metricsOf(resourceMetrics: ResourceMetrics): MetricData[] {
  return resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
}

async function collect(reader: MetricReader): Promise<MetricData[]> {
  vi.advanceTimersByTime(1000);
  return metricsOf((await reader.collect()).resourceMetrics);
}

/** What the metric shows, as `tenant` → value. */
function valuesOf(metrics: readonly MetricData[], name: string): Record<string, unknown> {
  const metric = metrics.find(({ descriptor }) => descriptor.name === name);
  return Object.fromEntries(metric?.dataPoints.map((point) => [String(point.attributes["tenant"]), point.value]) ?? []);
}

test("a metric that nobody updates any more is still reported, with the time of the scrape", async () => {
  const reader = new ManualReader();
  const readers = [boundedReader(reader, { seriesLimit: 10 })];
  const counter = new MeterProvider({ readers })
    .getMeter("shop", "1.2.3", { schemaUrl: "https://x" })
    .createCounter("once");
  counter.add(3, { tenant: "a" });
  await collect(reader);
  await collect(reader);
  vi.advanceTimersByTime(1000);
  const { resourceMetrics } = await reader.collect();
  expect(resourceMetrics.scopeMetrics[0]?.scope).toEqual({ name: "shop", version: "1.2.3", schemaUrl: "https://x" });
  expect(metricsOf(resourceMetrics)).toMatchObject([
    {
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
      isMonotonic: true,
      dataPoints: [{ value: 3, startTime: [1_700_000_000, 0], endTime: [1_700_000_003, 0] }],
    },
  ]);
});

test("a slow export does not see values that were recorded after its collection", async () => {
  const reader = new ManualReader();
  const meter = new MeterProvider({
    readers: [boundedReader(reader, { seriesLimit: 10 })],
    views: [{ instrumentName: "sizes", aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } }],
  }).getMeter("shop");
  const record = (value: number): void => {
    meter.createCounter("requests").add(value, { tenant: "a" });
    meter.createHistogram("durations").record(value, { tenant: "a" });
    meter.createHistogram("sizes").record(value, { tenant: "a" });
  };
  record(3);
  await collect(reader);
  record(4);
  const exporting = await collect(reader);
  const copy = structuredClone(exporting);
  record(5000);
  await collect(reader);
  record(1);
  await collect(reader);
  expect(exporting).toEqual(copy);
});

test("an attribute object changed after it was collected does not change the labels of its series", async () => {
  const reader = new ManualReader();
  const readers = [boundedReader(reader, { seriesLimit: 10 })];
  const counter = new MeterProvider({ readers }).getMeter("shop").createCounter("requests");
  const attributes: Attributes = { tenant: "a" };
  counter.add(1, attributes);
  await collect(reader);
  attributes["tenant"] = "b";
  counter.add(2, attributes);
  expect(valuesOf(await collect(reader), "requests")).toEqual({ a: 1, b: 2 });
});

test("an attribute object that turns hostile after the call costs no metric its values", async () => {
  const reader = new ManualReader();
  const readers = [boundedReader(reader, { seriesLimit: 10 })];
  const meter = new MeterProvider({ readers }).getMeter("shop");
  const toBigint: Attributes = { tenant: 1 };
  const toThrowing: Attributes = { tenant: 2 };
  meter.createCounter("hostile").add(1, toBigint);
  meter.createCounter("hostile").add(2, toThrowing);
  meter.createCounter("requests").add(3, { tenant: "a" });
  Object.assign(toBigint, { tenant: 1n });
  Object.defineProperty(toThrowing, "tenant", {
    enumerable: true,
    get() {
      throw new Error("hostile");
    },
  });
  const metrics = await collect(reader);
  expect(valuesOf(metrics, "requests")).toEqual({ a: 3 });
  const hostile = metrics.find(({ descriptor }) => descriptor.name === "hostile");
  expect(hostile?.dataPoints.map(({ value }) => value)).toEqual([1, 2]);
});

test("two scrapes at a time count everything once and each shows every series", async () => {
  const reader = new ManualReader();
  const readers = [boundedReader(reader, { seriesLimit: 10 })];
  const meter = new MeterProvider({ readers }).getMeter("shop");
  const counter = meter.createCounter("requests");
  const pending: (() => void)[] = [];
  meter.createObservableGauge("slow").addCallback(async (result) => {
    await new Promise<void>((resolve) => pending.push(resolve));
    result.observe(1);
  });
  counter.add(1, { tenant: "a" });
  const first = collect(reader);
  counter.add(10, { tenant: "b" });
  const second = collect(reader);
  await vi.waitFor(() => expect(pending).toHaveLength(2));
  counter.add(100, { tenant: "c" });
  pending[1]?.();
  expect(valuesOf(await second, "requests")).toEqual({ a: 1, b: 10, c: 100 });
  counter.add(1000, { tenant: "a" });
  pending[0]?.();
  expect(valuesOf(await first, "requests")).toEqual({ a: 1001, b: 10, c: 100 });
});

test("a failing observable callback is reported and costs no other metric", async () => {
  const reader = new ManualReader();
  const meter = new MeterProvider({ readers: [boundedReader(reader, { seriesLimit: 10 })] }).getMeter("shop");
  const failure = new Error("database is down");
  meter.createObservableGauge("connections").addCallback(() => {
    throw failure;
  });
  meter.createCounter("requests").add(1, { tenant: "a" });
  const { errors, resourceMetrics } = await reader.collect();
  expect(errors).toEqual([failure]);
  expect(valuesOf(metricsOf(resourceMetrics), "requests")).toEqual({ a: 1 });
});

test("a collection that fails as a whole rejects, as without the wrapper", async () => {
  const reader = new ManualReader();
  boundedReader(reader, { seriesLimit: 10 }).setMetricProducer({
    collect: () => Promise.reject(new Error("no SDK")),
  });
  await expect(reader.collect()).rejects.toThrow("no SDK");
});

test("the periodic reader exports cumulative values and flushes the last ones on shutdown", async () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const provider = new MeterProvider({ readers: [boundedReader(reader, { seriesLimit: 10 })] });
  const meter = provider.getMeter("shop");
  const counter = meter.createCounter("requests");
  const active = meter.createUpDownCounter("active");
  counter.add(1, { tenant: "a" });
  active.add(1, { tenant: "a" });
  await provider.forceFlush();
  counter.add(2, { tenant: "a" });
  active.add(-1, { tenant: "a" });
  await provider.shutdown();
  const exported = exporter.getMetrics().map(metricsOf);
  expect(exported.map((metrics) => valuesOf(metrics, "requests"))).toEqual([{ a: 1 }, { a: 3 }]);
  expect(exported.map((metrics) => valuesOf(metrics, "active"))).toEqual([{ a: 1 }, { a: 0 }]);
  await expect(reader.collect()).rejects.toThrow("shutdown");
});

test("a reader that selects delta gets the deltas of the SDK as they are", async () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.DELTA);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const provider = new MeterProvider({ readers: [boundedReader(reader, { seriesLimit: 10 })] });
  const counter = provider.getMeter("shop").createCounter("requests");
  counter.add(1, { tenant: "a" });
  await provider.forceFlush();
  counter.add(2, { tenant: "b" });
  await provider.shutdown();
  const exported = exporter.getMetrics().map(metricsOf);
  expect(exported.map((metrics) => valuesOf(metrics, "requests"))).toEqual([{ a: 1 }, { b: 2 }]);
  expect(exported.flat().map((metric) => metric.aggregationTemporality)).toEqual([0, 0]);
});

test("deltas of observable counters are not added up for a reader that wants only them as deltas", async () => {
  const reader = new ManualReader({
    aggregationTemporalitySelector: (type) =>
      type === InstrumentType.OBSERVABLE_COUNTER ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE,
  });
  const meter = new MeterProvider({ readers: [boundedReader(reader, { seriesLimit: 10 })] }).getMeter("shop");
  let total = 0;
  meter.createObservableCounter("observed").addCallback((result) => result.observe((total += 5), { tenant: "a" }));
  const counter = meter.createCounter("requests");
  for (const expected of [5, 10, 15]) {
    counter.add(5, { tenant: "a" });
    const metrics = await collect(reader);
    expect(valuesOf(metrics, "observed")).toEqual({ a: 5 });
    expect(valuesOf(metrics, "requests")).toEqual({ a: expected });
  }
});

test("views keep filtering attributes, changing buckets, making gauges and dropping", async () => {
  const reader = new ManualReader();
  const meter = new MeterProvider({
    readers: [boundedReader(reader, { seriesLimit: 10 })],
    views: [
      { instrumentName: "requests", attributesProcessors: [createAllowListAttributesProcessor(["tenant"])] },
      {
        instrumentName: "durations",
        aggregation: { type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM, options: { boundaries: [1, 2] } },
      },
      { instrumentName: "latest", aggregation: { type: AggregationType.LAST_VALUE } },
      { instrumentName: "dropped", aggregation: { type: AggregationType.DROP } },
    ],
  }).getMeter("shop");
  for (const value of [1, 2, 3]) {
    meter.createCounter("requests").add(value, { tenant: "a", user: `user-${value}` });
    meter.createHistogram("durations").record(value, { tenant: "a" });
    meter.createCounter("latest").add(value, { tenant: "a" });
    meter.createCounter("dropped").add(value, { tenant: "a" });
    await collect(reader);
  }
  const metrics = await collect(reader);
  expect(valuesOf(metrics, "requests")).toEqual({ a: 6 });
  expect(valuesOf(metrics, "durations")).toMatchObject({ a: { buckets: { boundaries: [1, 2], counts: [1, 1, 1] } } });
  expect(valuesOf(metrics, "latest")).toEqual({ a: 3 });
  expect(metrics.map(({ descriptor }) => descriptor.name)).toEqual(["requests", "durations", "latest"]);
});

test("two instruments that a view gives one name are added up once, not shown twice", async () => {
  const reader = new ManualReader();
  const meter = new MeterProvider({
    readers: [boundedReader(reader, { seriesLimit: 10 })],
    views: [{ instrumentName: "old.requests", name: "requests" }],
  }).getMeter("shop");
  meter.createCounter("old.requests").add(1, { tenant: "a" });
  meter.createCounter("requests").add(10, { tenant: "a" });
  await collect(reader);
  meter.createCounter("old.requests").add(100, { tenant: "a" });
  const metrics = await collect(reader);
  expect(metrics).toHaveLength(1);
  expect(valuesOf(metrics, "requests")).toEqual({ a: 111 });
});

test("a description that becomes known later is shown", async () => {
  const reader = new ManualReader();
  const meter = new MeterProvider({ readers: [boundedReader(reader, { seriesLimit: 10 })] }).getMeter("shop");
  meter.createCounter("requests").add(1);
  await collect(reader);
  meter.createCounter("requests", { description: "Requests served" }).add(1);
  expect((await collect(reader))[0]?.descriptor.description).toBe("Requests served");
});

test("histograms that a view gives one name but other buckets stay apart", async () => {
  const reader = new ManualReader();
  const meter = new MeterProvider({
    readers: [boundedReader(reader, { seriesLimit: 10 })],
    views: [
      {
        instrumentName: "old.durations",
        name: "durations",
        aggregation: { type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM, options: { boundaries: [1] } },
      },
    ],
  }).getMeter("shop");
  for (let scrape = 1; scrape <= 2; scrape++) {
    meter.createHistogram("old.durations").record(3, { tenant: "a" });
    meter.createHistogram("durations", { advice: { explicitBucketBoundaries: [2, 4] } }).record(3, { tenant: "a" });
    const metrics = await collect(reader);
    expect(metrics.map(({ dataPoints }) => dataPoints[0]?.value)).toMatchObject([
      { buckets: { boundaries: [1], counts: [0, scrape] } },
      { buckets: { boundaries: [2, 4], counts: [0, scrape, 0] } },
    ]);
  }
});

test("flushing, shutting down and collecting reach the wrapped reader", async () => {
  const inner = new ManualReader();
  const reader = boundedReader(inner, { seriesLimit: 10 });
  const provider = new MeterProvider({ readers: [reader] });
  provider.getMeter("shop").createCounter("requests").add(1, { tenant: "a" });
  const { resourceMetrics } = await reader.collect();
  expect(valuesOf(metricsOf(resourceMetrics), "requests")).toEqual({ a: 1 });
  await reader.forceFlush();
  await provider.shutdown();
  expect(inner.calls).toEqual(["forceFlush", "shutdown"]);
});
