import { AggregationType, type ExponentialHistogram } from "@opentelemetry/sdk-metrics";
import { afterEach, expect, test, vi } from "vitest";
import { MeterProvider } from "../src/index.ts";
import { delta, ManualReader, pointsOf } from "./manual-reader.ts";

afterEach(() => {
  vi.useRealTimers();
});

test("values beside powers of two are in one bucket of a small exponential histogram each, not in two", async () => {
  const aggregation = {
    type: AggregationType.EXPONENTIAL_HISTOGRAM,
    options: { maxSize: 2, recordMinMax: true },
  } as const;
  const reader = new ManualReader();
  const provider = new MeterProvider({ readers: [reader], views: [{ instrumentName: "size", aggregation }] });
  const histogram = provider.getMeter("meter").createHistogram("size");
  const above = 1 + Number.EPSILON;
  const below = 1 - Number.EPSILON;
  const values = [
    2 ** 6 * above,
    2 ** -8 * below,
    2 ** 9 * below,
    2 ** 4,
    2 ** 17,
    2 ** 6,
    2 ** 4 * above,
    2 ** 7 * above,
  ];
  for (const value of values) histogram.record(value);
  const [[, { positive }]] = pointsOf(await reader.shown(), "size") as [[object, ExponentialHistogram]];
  expect(positive.bucketCounts.reduce((sum, count) => sum + count, 0)).toBe(values.length);
});

test("an exporter that changes the attributes it is given cannot make a recording throw", async () => {
  const reader = new ManualReader({ temporality: delta, limit: 3 });
  const counter = new MeterProvider({ readers: [reader] }).getMeter("meter").createCounter("requests");
  counter.add(1, { tenant: "a", tags: ["x"] });
  counter.add(1, { tenant: "b", tags: ["x"] });
  const { resourceMetrics } = await reader.collect();
  for (const { attributes } of resourceMetrics.scopeMetrics[0]!.metrics[0]!.dataPoints) {
    Reflect.deleteProperty(attributes, "tenant");
    Reflect.set(attributes["tags"] as string[], 0, "y");
  }
  counter.add(1, { tenant: "c", tags: ["x"] });
  counter.add(1, { tenant: "a", tags: ["x"] });
  expect(pointsOf(await reader.shown(), "requests")).toEqual([
    [{ tenant: "a", tags: ["x"] }, 1],
    [{ tenant: "c", tags: ["x"] }, 1],
  ]);
});

test("of two collections at once by one reader, the one with older observations does not count as a reset", async () => {
  const reader = new ManualReader({ temporality: delta });
  const meter = new MeterProvider({ readers: [reader] }).getMeter("meter");
  let current = 10;
  const slow = Promise.withResolvers<void>();
  const answers = [slow.promise, Promise.resolve(), Promise.resolve()];
  meter.createObservableCounter("bytes").addCallback(async (result) => {
    const seen = current;
    await answers.shift();
    result.observe(seen);
  });
  const first = reader.shown();
  current = 20;
  const second = reader.shown();
  setTimeout(() => slow.resolve(), 20);
  const shown = [...(await first), ...(await second)];
  current = 25;
  const deltas = pointsOf([...shown, ...(await reader.shown())], "bytes") as [object, number][];
  expect(deltas.reduce((sum, [, value]) => sum + value, 0)).toBe(25);
});

test("two callbacks that observe 150,000 series each do not fail the collection", async () => {
  const reader = new ManualReader({ limit: 1 });
  const gauge = new MeterProvider({ readers: [reader] }).getMeter("meter").createObservableGauge("depth");
  const attributes = { queue: "a" };
  const observeMany = (): Parameters<typeof gauge.addCallback>[0] => (result) => {
    for (let count = 0; count < 150_000; count++) result.observe(count, attributes);
  };
  gauge.addCallback(observeMany());
  gauge.addCallback(observeMany());
  expect(await reader.shown()).toHaveLength(1);
});

test("a callback may be given all the time it needs", async () => {
  const reader = new ManualReader();
  const provider = new MeterProvider({ readers: [reader], callbackTimeoutMillis: Infinity });
  const gauge = provider.getMeter("meter").createObservableGauge("depth");
  gauge.addCallback(async (result) => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    result.observe(1);
  });
  expect(pointsOf(await reader.shown(), "depth")).toEqual([[{}, 1]]);
});

test("of two delta readers, one that never comes does not send all new tenants of the other to the overflow", async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: 10_000_000 });
  const reader = new ManualReader({ temporality: delta, limit: 3 });
  const late = new ManualReader({ temporality: delta, limit: 3 });
  const counter = new MeterProvider({ readers: [reader, late] }).getMeter("meter").createCounter("requests");
  for (const tenants of [
    ["a", "b"],
    ["c", "d"],
    ["e", "f"],
  ]) {
    for (const tenant of tenants) counter.add(1, { tenant });
    expect(pointsOf(await reader.shown(), "requests")).toEqual(tenants.map((tenant) => [{ tenant }, 1]));
    vi.advanceTimersByTime(1_300_000);
  }
  expect(pointsOf(await late.shown(), "requests")).toEqual([
    [{ "otel.metric.overflow": true }, 4],
    [{ tenant: "e" }, 1],
    [{ tenant: "f" }, 1],
  ]);
});

test("a scrape that first comes ten minutes after the start is shown all that was counted since", async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: 10_000_000 });
  const reader = new ManualReader({ limit: 3 });
  const scrape = new ManualReader({ limit: 3 });
  const counter = new MeterProvider({ readers: [reader, scrape] }).getMeter("meter").createCounter("requests");
  counter.add(5, { tenant: "early" });
  await reader.shown();
  vi.advanceTimersByTime(600_000);
  await reader.shown();
  for (const tenant of ["a", "b", "c"]) counter.add(1, { tenant });
  expect(pointsOf(await scrape.shown(), "requests")).toEqual([
    [{ "otel.metric.overflow": true }, 2],
    [{ tenant: "a" }, 1],
    [{ tenant: "early" }, 5],
  ]);
});

test("the balance of an up-down counter outlives the end of one of its owners", async () => {
  const reader = new ManualReader({ limit: 3 });
  const counter = new MeterProvider({ readers: [reader] }).getMeter("meter").createUpDownCounter("active");
  const one = counter.bind({ tenant: "a" });
  const other = counter.bind({ tenant: "a" });
  const settled = counter.bind({ tenant: "b" });
  one.add(1);
  other.add(1);
  settled.add(1);
  settled.add(-1);
  await reader.collect();
  one.end();
  settled.end();
  counter.add(1, { tenant: "c" });
  other.add(-1);
  expect(pointsOf(await reader.shown(), "active")).toEqual([
    [{ tenant: "a" }, 1],
    [{ tenant: "c" }, 1],
  ]);
});

test("the overflow of observed counters does not count again what is left when some are observed no more", async () => {
  const cumulative = new ManualReader({ limit: 1 });
  const deltas = new ManualReader({ limit: 1, temporality: delta });
  const meter = new MeterProvider({ readers: [cumulative, deltas] }).getMeter("meter");
  let observed = [10, 10, 10];
  meter.createObservableCounter("bytes").addCallback((result) => {
    observed.forEach((value, connection) => result.observe(value, { connection }));
  });
  const overflow = { "otel.metric.overflow": true };
  const shown = async (): Promise<unknown[]> => [
    ...pointsOf(await cumulative.shown(), "bytes"),
    ...pointsOf(await deltas.shown(), "bytes"),
  ];
  expect(await shown()).toEqual([
    [overflow, 30],
    [overflow, 30],
  ]);
  observed = [10, 10];
  expect(await shown()).toEqual([
    [overflow, 30],
    [overflow, 0],
  ]);
  observed = [15, 10];
  expect(await shown()).toEqual([
    [overflow, 35],
    [overflow, 5],
  ]);
});

test("a clock that is put back does not make every collection look like a reset", async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: 10_000_000 });
  const reader = new ManualReader();
  const meter = new MeterProvider({ readers: [reader] }).getMeter("meter");
  const counter = meter.createCounter("requests");
  let observed = 0;
  meter.createObservableCounter("bytes").addCallback((result) => result.observe(++observed));
  counter.add(1);
  await reader.collect();
  vi.setSystemTime(5_000_000);
  const starts: string[] = [];
  for (let round = 0; round < 2; round++) {
    counter.add(1);
    const { resourceMetrics } = await reader.collect();
    const { metrics } = resourceMetrics.scopeMetrics[0]!;
    starts.push(metrics.map(({ dataPoints }) => String(dataPoints[0]!.startTime)).join(" "));
    vi.advanceTimersByTime(60_000);
  }
  expect(starts[1]).toBe(starts[0]);
});

test.each([
  ["callbackTimeoutMillis", Number.NaN],
  ["callbackTimeoutMillis", -1],
  ["staleAfterMillis", 0],
  ["staleAfterMillis", "300"],
])("an option that is wrong, %s: %s, ends the start with what is allowed", (name, value) => {
  expect(() => new MeterProvider({ [name]: value })).toThrow(
    `[meterbridge] [sdk-metrics] option "${name}" must be a number of milliseconds above 0, or Infinity, found ${value}`,
  );
});
