import { diag, DiagLogLevel } from "@opentelemetry/api";
import {
  InstrumentType,
  MeterProvider,
  type MetricData,
  MetricReader,
  type ResourceMetrics,
} from "@opentelemetry/sdk-metrics";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { boundedReader } from "./bounded-reader.ts";

class ManualReader extends MetricReader {
  protected override async onShutdown(): Promise<void> {}
  protected override async onForceFlush(): Promise<void> {}
}

let warnings: string[] = [];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: 1_700_000_000_000 });
  warnings = [];
  const ignore = (): void => {};
  const warn = (message: string): void => void warnings.push(message);
  diag.setLogger({ error: ignore, warn, info: ignore, debug: ignore, verbose: ignore }, DiagLogLevel.WARN);
});

afterEach(() => {
  diag.disable();
  vi.useRealTimers();
});

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

test("ten scrapes with 1,900 new tenants each leave 2,000 series, where the official reader keeps all 19,000", async () => {
  const official = new ManualReader();
  const bounded = new ManualReader();
  const readers = [official, boundedReader(bounded, { seriesLimit: 2000 })];
  const counter = new MeterProvider({ readers }).getMeter("shop").createCounter("requests");
  let officialCount = 0;
  let boundedCount = 0;
  for (let scrape = 0; scrape < 10; scrape++) {
    for (let tenant = 0; tenant < 1900; tenant++) counter.add(1, { tenant: `${scrape}/${tenant}` });
    officialCount = (await collect(official))[0]?.dataPoints.length ?? 0;
    boundedCount = (await collect(bounded))[0]?.dataPoints.length ?? 0;
  }
  expect(officialCount).toBe(19_000);
  expect(boundedCount).toBe(2000);
});

test("more new tenants between two scrapes than the limit are added up in the SDK's overflow series", async () => {
  const reader = new ManualReader();
  const readers = [boundedReader(reader, { seriesLimit: 10 })];
  const counter = new MeterProvider({ readers }).getMeter("shop").createCounter("requests");
  for (let tenant = 0; tenant < 100; tenant++) counter.add(1, { tenant });
  const points = (await collect(reader))[0]?.dataPoints ?? [];
  expect(points).toHaveLength(10);
  expect(points.find(({ attributes }) => attributes["otel.metric.overflow"] === true)?.value).toBe(91);
});

test("the tenants seen last stay, and one that returns starts from 0 at a later time", async () => {
  const reader = new ManualReader();
  const readers = [boundedReader(reader, { seriesLimit: 3 })];
  const counter = new MeterProvider({ readers }).getMeter("shop").createCounter("requests");
  const startOf = (metrics: MetricData[], tenant: string): number => {
    const point = metrics[0]?.dataPoints.find(({ attributes }) => attributes["tenant"] === tenant);
    return point === undefined ? Number.NaN : point.startTime[0];
  };
  counter.add(5, { tenant: "first" });
  const before = await collect(reader);
  counter.add(1, { tenant: "second" });
  await collect(reader);
  counter.add(1, { tenant: "third" });
  await collect(reader);
  counter.add(1, { tenant: "second" });
  counter.add(1, { tenant: "fourth" });
  const without = await collect(reader);
  expect(valuesOf(without, "requests")).toEqual({ second: 2, third: 1, fourth: 1 });

  counter.add(7, { tenant: "first" });
  const after = await collect(reader);
  expect(valuesOf(after, "requests")).toEqual({ second: 2, fourth: 1, first: 7 });
  expect(startOf(after, "first")).toBeGreaterThan(startOf(before, "first"));
});

test("tenants updated since the last scrape are all shown, even where a view allows more of them than the limit", async () => {
  const reader = new ManualReader();
  const counter = new MeterProvider({
    readers: [boundedReader(reader, { seriesLimit: 3 })],
    views: [{ instrumentName: "requests", aggregationCardinalityLimit: 100 }],
  })
    .getMeter("shop")
    .createCounter("requests");
  counter.add(1, { tenant: "old" });
  await collect(reader);
  for (const tenant of ["a", "b", "c", "d", "e"]) counter.add(1, { tenant });
  expect(valuesOf(await collect(reader), "requests")).toEqual({ a: 1, b: 1, c: 1, d: 1, e: 1 });
  expect(valuesOf(await collect(reader), "requests")).toEqual({ c: 1, d: 1, e: 1 });
});

test("a tenant that returns starts after it was forgotten, also where another reader keeps track of it", async () => {
  const [rare, frequent] = [new ManualReader(), new ManualReader()];
  const counter = new MeterProvider({
    readers: [boundedReader(rare, { seriesLimit: 2 }), boundedReader(frequent, { seriesLimit: 100 })],
    views: [{ instrumentName: "requests", name: "shop.requests" }],
  })
    .getMeter("shop")
    .createCounter("requests");
  const add = (tenant: string): void => {
    vi.advanceTimersByTime(1000);
    counter.add(1, { tenant });
  };
  add("returns");
  await collect(frequent);
  await collect(rare);
  add("a");
  add("b");
  const forgotten = await collect(rare);
  expect(valuesOf(forgotten, "shop.requests")).toEqual({ a: 1, b: 1 });
  add("returns");
  await collect(frequent);
  const returned = (await collect(rare))[0]?.dataPoints.find(({ attributes }) => attributes["tenant"] === "returns");
  expect(returned?.value).toBe(1);
  expect(returned?.startTime[0]).toBeGreaterThanOrEqual(forgotten[0]?.dataPoints[0]?.endTime[0] ?? Infinity);
});

test("forgetting is told once for each metric, with the count and what to do", async () => {
  const reader = new ManualReader();
  const meter = new MeterProvider({ readers: [boundedReader(reader, { seriesLimit: 10 })] }).getMeter("shop");
  const requests = meter.createCounter("requests");
  const durations = meter.createHistogram("durations");
  for (let scrape = 0; scrape < 5; scrape++) {
    for (let tenant = 0; tenant < 8; tenant++) {
      requests.add(1, { tenant: `${scrape}/${tenant}` });
      if (scrape > 2) durations.record(1, { tenant: `${scrape}/${tenant}` });
    }
    await collect(reader);
  }
  expect(warnings).toEqual([
    '[meterbridge] metric "requests" of meter "shop" has more than 10 series: the 6 updated least recently were forgotten ' +
      "and start again from 0 if they return. Record fewer distinct attribute values, or raise the series limit. " +
      "(Told once for each metric.)",
    expect.stringContaining('metric "durations" of meter "shop" has more than 10 series'),
  ]);
});

test("the cardinality limit is the series limit where series are kept here, and never lowered elsewhere", () => {
  const reader = boundedReader(new ManualReader({ cardinalitySelector: () => 500 }), { seriesLimit: 100 });
  expect(reader.selectCardinalityLimit(InstrumentType.COUNTER)).toBe(100);
  expect(reader.selectCardinalityLimit(InstrumentType.HISTOGRAM)).toBe(100);
  expect(reader.selectCardinalityLimit(InstrumentType.OBSERVABLE_GAUGE)).toBe(500);
  const raised = boundedReader(new ManualReader({ cardinalitySelector: () => 50 }), { seriesLimit: 100 });
  expect(raised.selectCardinalityLimit(InstrumentType.UP_DOWN_COUNTER)).toBe(100);
});
