import { diag, DiagLogLevel, type HrTime } from "@opentelemetry/api";
import { defaultResource, resourceFromAttributes } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  type DataPoint,
  InMemoryMetricExporter,
  PeriodicExportingMetricReader,
  type IMetricReader,
} from "@opentelemetry/sdk-metrics";
import { afterEach, expect, test, vi } from "vitest";
import { MeterProvider } from "../src/index.ts";
import { delta, ManualReader, pointsOf, shownMetrics } from "./manual-reader.ts";

afterEach(() => {
  vi.useRealTimers();
  diag.disable();
});

test("the official periodic reader exports, and what it was given stays as it was", async () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter });
  const provider = new MeterProvider({ readers: [reader] });
  const meter = provider.getMeter("meter");
  const counter = meter.createCounter("requests");
  const histogram = meter.createHistogram("duration");
  for (let round = 1; round <= 3; round++) {
    counter.add(1, { tenant: "a" });
    histogram.record(7);
    await provider.forceFlush();
  }
  const exported = exporter.getMetrics().map((resourceMetrics) => shownMetrics({ resourceMetrics, errors: [] }));
  expect(exported.map((metrics) => pointsOf(metrics, "requests"))).toEqual(
    [1, 2, 3].map((count) => [[{ tenant: "a" }, count]]),
  );
  expect(exported.map((metrics) => pointsOf(metrics, "duration"))).toEqual(
    [1, 2, 3].map((count) => [[{}, expect.objectContaining({ count, sum: 7 * count })]]),
  );
  await provider.shutdown();
});

function timesOf(points: readonly DataPoint<unknown>[]): number[][] {
  const millis = ([seconds, nanos]: HrTime): number => seconds * 1000 + nanos / 1e6;
  return points.map(({ startTime, endTime }) => [millis(startTime), millis(endTime)]);
}

async function intervals(reader: ManualReader): Promise<number[][]> {
  const { resourceMetrics } = await reader.collect();
  return timesOf(resourceMetrics.scopeMetrics[0]!.metrics[0]!.dataPoints);
}

test("cumulative points begin with their series, delta points where the last ones ended", async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 });
  const cumulative = new ManualReader();
  const deltas = new ManualReader({ temporality: delta });
  const counter = new MeterProvider({ readers: [cumulative, deltas] }).getMeter("meter").createCounter("requests");
  vi.setSystemTime(1_000_500);
  counter.add(1);
  vi.setSystemTime(1_001_000);
  expect([await intervals(cumulative), await intervals(deltas)]).toEqual([
    [[1_000_500, 1_001_000]],
    [[1_000_500, 1_001_000]],
  ]);
  counter.add(1);
  vi.setSystemTime(1_002_000);
  expect([await intervals(cumulative), await intervals(deltas)]).toEqual([
    [[1_000_500, 1_002_000]],
    [[1_001_000, 1_002_000]],
  ]);
});

test("an observed counter that falls begins anew, with a later start", async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 });
  const reader = new ManualReader();
  let value = 10;
  new MeterProvider({ readers: [reader] })
    .getMeter("meter")
    .createObservableCounter("bytes")
    .addCallback((result) => result.observe(value));
  expect(await intervals(reader)).toEqual([[1_000_000, 1_000_000]]);
  vi.setSystemTime(1_001_000);
  value = 4;
  expect(await intervals(reader)).toEqual([[1_000_001, 1_001_000]]);
  vi.setSystemTime(1_002_000);
  value = 3;
  expect(await intervals(reader)).toEqual([[1_001_000, 1_002_000]]);
});

test("a series that comes back to a delta reader brings what happened since, not its whole past", async () => {
  const reader = new ManualReader({ temporality: delta });
  const values: (number | undefined)[] = [100, undefined, 105];
  new MeterProvider({ readers: [reader] })
    .getMeter("meter")
    .createObservableCounter("bytes")
    .addCallback((result) => {
      const value = values.shift();
      if (value !== undefined) result.observe(value);
    });
  const shown = [await reader.shown(), await reader.shown(), await reader.shown()];
  expect(shown.map((metrics) => pointsOf(metrics, "bytes"))).toEqual([[[{}, 100]], [], [[{}, 5]]]);
});

test("a callback that fails is reported and costs no other its observations", async () => {
  const reader = new ManualReader();
  const meter = new MeterProvider({ readers: [reader] }).getMeter("meter");
  const users = meter.createObservableGauge("users");
  const jobs = meter.createObservableGauge("jobs");
  users.addCallback((result) => {
    result.observe(1);
    throw new Error("no database");
  });
  const batch = (result: { observe(metric: typeof jobs, value: number): void }): void => {
    result.observe(jobs, 7);
    result.observe(users, 8);
  };
  meter.addBatchObservableCallback(batch, [jobs]);
  const result = await reader.collect();
  expect(result.errors).toEqual([new Error("no database")]);
  expect(shownMetrics(result).map(({ name, points }) => [name, points[0]?.value])).toEqual([["jobs", 7]]);
  meter.removeBatchObservableCallback(batch, [jobs]);
  expect(shownMetrics(await reader.collect())).toEqual([]);
});

test("a callback that ended late is called again, and what it observed late belongs to no collection", async () => {
  const told: string[] = [];
  const ignore = (): void => {};
  const logger = {
    error: ignore,
    warn: (message: string) => void told.push(message),
    info: ignore,
    debug: ignore,
    verbose: ignore,
  };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  const reader = new ManualReader();
  const meter = new MeterProvider({ readers: [reader], callbackTimeoutMillis: 20 }).getMeter("meter");
  let calls = 0;
  let release = ignore;
  meter.createObservableGauge("users").addCallback(async (result) => {
    calls++;
    if (calls === 1) {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
    }
    result.observe(calls);
  });
  expect((await reader.collect()).errors).toEqual([
    expect.objectContaining({ message: expect.stringContaining("within 20 ms") }),
  ]);
  expect(await reader.shown()).toEqual([]);
  expect(calls).toBe(1);
  release();
  await new Promise(setImmediate);
  expect(pointsOf(await reader.shown(), "users")).toEqual([[{}, 2]]);
  expect(told).toHaveLength(1);
});

test("one object may be used for all that a callback observes", async () => {
  const reader = new ManualReader();
  const meter = new MeterProvider({ readers: [reader] }).getMeter("meter");
  meter.createObservableGauge("users").addCallback((result) => {
    const attributes = { tenant: "" };
    for (const tenant of ["a", "b"]) result.observe(1, Object.assign(attributes, { tenant }));
  });
  const both = [
    [{ tenant: "a" }, 1],
    [{ tenant: "b" }, 1],
  ];
  expect(pointsOf(await reader.shown(), "users")).toEqual(both);
  expect(pointsOf(await reader.shown(), "users")).toEqual(both);
});

test("an attribute called __proto__ is an attribute", async () => {
  const reader = new ManualReader();
  const counter = new MeterProvider({ readers: [reader] }).getMeter("meter").createCounter("requests");
  for (let time = 0; time < 2; time++) counter.add(1, JSON.parse('{"__proto__":"x"}') as Record<string, string>);
  counter.add(1);
  const { resourceMetrics } = await reader.collect();
  const points = resourceMetrics.scopeMetrics[0]!.metrics[0]!.dataPoints;
  expect(points.map(({ attributes, value }) => [JSON.stringify(attributes), value])).toEqual([
    ['{"__proto__":"x"}', 2],
    ["{}", 1],
  ]);
});

test("an attribute set that says it is the overflow's is the overflow's", async () => {
  const reader = new ManualReader({ limit: 2 });
  const counter = new MeterProvider({ readers: [reader] }).getMeter("meter").createCounter("requests");
  for (const attributes of [{ tenant: 1 }, { "otel.metric.overflow": true }, { tenant: 2 }]) counter.add(1, attributes);
  expect(pointsOf(await reader.shown(), "requests")).toEqual([
    [{ "otel.metric.overflow": true }, 2],
    [{ tenant: 1 }, 1],
  ]);
});

test("a shut down provider records nothing, tells so, and keeps working for whoever holds on to it", async () => {
  const reader = new ManualReader();
  const provider = new MeterProvider({ readers: [reader] });
  const counter = provider.getMeter("meter").createCounter("requests");
  await provider.shutdown();
  await provider.shutdown();
  await provider.forceFlush();
  expect(() => counter.add(1)).not.toThrow();
  const later = provider.getMeter("meter");
  expect(() => {
    later.createCounter("c").bind({ a: 1 }).add(1);
    later.createHistogram("h").bind().record(1);
    later.createObservableGauge("g").addCallback(() => {});
  }).not.toThrow();
});

test("one reader that fails to flush does not keep the others from it", async () => {
  const flushed = vi.fn<() => Promise<void>>(() => Promise.resolve());
  const failing: IMetricReader = Object.assign(new ManualReader(), {
    forceFlush: () => Promise.reject(new Error("down")),
  });
  const working: IMetricReader = Object.assign(new ManualReader(), { forceFlush: flushed });
  await expect(new MeterProvider({ readers: [failing, working] }).forceFlush()).rejects.toThrow("down");
  expect(flushed).toHaveBeenCalledTimes(1);
});

test("metrics carry the resource that was given, or the official SDK's own", async () => {
  const [given, own] = [new ManualReader(), new ManualReader()];
  const resource = resourceFromAttributes({ "service.name": "shop" });
  expect([new MeterProvider({ readers: [given], resource }), new MeterProvider({ readers: [own] })]).toHaveLength(2);
  expect((await given.collect()).resourceMetrics.resource).toBe(resource);
  expect((await own.collect()).resourceMetrics.resource.attributes).toEqual(defaultResource().attributes);
});
