import type { CollectionResult, DataPoint } from "@opentelemetry/sdk-metrics";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { MeterProvider, type MeterProviderOptions } from "../src/index.ts";
import { delta, ManualReader, pointsOf } from "./manual-reader.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: 1_800_000_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

const minute = 60_000;

function start(options: MeterProviderOptions & { readonly limit?: number } = {}) {
  const reader = new ManualReader(options.limit === undefined ? {} : { limit: options.limit });
  const provider = new MeterProvider({ readers: [reader], ...options });
  return { provider, meter: provider.getMeter("meter"), reader };
}

function startTimesOf(result: CollectionResult): Record<string, number> {
  const points = result.resourceMetrics.scopeMetrics.flatMap(({ metrics }) =>
    metrics.flatMap(({ dataPoints }): DataPoint<unknown>[] => dataPoints),
  );
  return Object.fromEntries(
    points.map(({ attributes, startTime }) => [String(attributes["tenant"]), startTime[0] * 1000]),
  );
}

test("what is bound and what is not are one series, whatever the order of the attributes", async () => {
  const { meter, reader } = start();
  const counter = meter.createCounter("requests");
  const bound = counter.bind({ tenant: "a", model: "m" });
  bound.add(2);
  counter.add(3, { model: "m", tenant: "a" });
  counter.bind({ model: "m", tenant: "a" }).add(5);
  expect(pointsOf(await reader.shown(), "requests")).toEqual([[{ tenant: "a", model: "m" }, 10]]);
});

test("every synchronous instrument can be bound", async () => {
  const { meter, reader } = start();
  meter.createUpDownCounter("balance").bind({ tenant: "a" }).add(-2);
  meter.createGauge("level").bind().record(4);
  meter.createHistogram("duration").bind({ tenant: "a" }).record(7);
  const shown = await reader.shown();
  expect(pointsOf(shown, "balance")).toEqual([[{ tenant: "a" }, -2]]);
  expect(pointsOf(shown, "level")).toEqual([[{}, 4]]);
  expect(pointsOf(shown, "duration")).toEqual([[{ tenant: "a" }, expect.objectContaining({ sum: 7, count: 1 })]]);
});

test("a bound counter refuses what a counter refuses, and the refusals are counted", async () => {
  const { meter, reader } = start();
  const bound = meter.createCounter("requests").bind({ tenant: "a" });
  for (const value of [-1, Number.NaN, Infinity, "1" as unknown as number, 1]) bound.add(value);
  const shown = await reader.shown();
  expect(pointsOf(shown, "requests")).toEqual([[{ tenant: "a" }, 1]]);
  expect(pointsOf(shown, "meterbridge.values.refused")).toEqual([
    [{ meter: "requests", reason: "negative" }, 1],
    [{ meter: "requests", reason: "not_a_number" }, 1],
    [{ meter: "requests", reason: "not_finite" }, 2],
  ]);
});

test("what a bound counter with two views refuses is counted once, as it was recorded once", async () => {
  const views = [{ instrumentName: "requests" }, { instrumentName: "requests", name: "again" }];
  const { meter, reader } = start({ views });
  const bound = meter.createCounter("requests").bind();
  bound.add(-1);
  meter.combine([{ series: bound, position: 0 }])(Float64Array.of(-1));
  expect(pointsOf(await reader.shown(), "meterbridge.values.refused")).toEqual([
    [{ meter: "requests", reason: "negative" }, 2],
  ]);
});

test("a series that is bound but never recorded is not exported", async () => {
  const { meter, reader } = start();
  meter.createCounter("requests").bind({ tenant: "a" });
  expect(pointsOf(await reader.shown(), "requests")).toEqual([]);
});

test("a series that was ended makes room once every reader was given it, and its tenant begins anew with a later start", async () => {
  const { meter, reader } = start({ limit: 3 });
  const counter = meter.createCounter("requests");
  const bound = counter.bind({ tenant: "a" });
  bound.add(5);
  counter.add(1, { tenant: "b" });
  bound.end();
  counter.add(1, { tenant: "early" });
  expect(pointsOf(await reader.shown(), "requests")).toEqual([
    [{ "otel.metric.overflow": true }, 1],
    [{ tenant: "a" }, 5],
    [{ tenant: "b" }, 1],
  ]);
  vi.advanceTimersByTime(minute);
  counter.add(1, { tenant: "c" });
  const second = await reader.collect();
  expect(startTimesOf(second)).toMatchObject({ b: 1_800_000_000_000, c: 1_800_000_060_000 });
  expect(Object.keys(startTimesOf(second))).not.toContain("a");
});

test("a bound series that was forgotten for want of room records again, beginning from zero", async () => {
  const { meter, reader } = start({ limit: 2 });
  const counter = meter.createCounter("requests");
  const bound = counter.bind({ tenant: "a" });
  bound.add(5);
  await reader.collect();
  vi.advanceTimersByTime(6 * minute);
  const other = counter.bind({ tenant: "b" });
  other.add(1);
  expect(pointsOf(await reader.shown(), "requests")).toEqual([[{ tenant: "b" }, 1]]);
  vi.advanceTimersByTime(6 * minute);
  bound.add(2);
  const result = await reader.collect();
  expect(startTimesOf(result)).toEqual({ a: 1_800_000_720_000 });
});

test("a series that is not stale yet is never forgotten: what is new goes to the overflow", async () => {
  const { meter, reader } = start({ limit: 2 });
  const counter = meter.createCounter("requests");
  counter.add(5, { tenant: "a" });
  await reader.collect();
  vi.advanceTimersByTime(4 * minute);
  counter.add(1, { tenant: "b" });
  expect(pointsOf(await reader.shown(), "requests")).toEqual([
    [{ "otel.metric.overflow": true }, 1],
    [{ tenant: "a" }, 5],
  ]);
});

test("a stale series stays as long as a reader has not been given its last value", async () => {
  const first = new ManualReader({ limit: 2 });
  const second = new ManualReader({ limit: 2 });
  const { meter } = start({ readers: [first, second] });
  const counter = meter.createCounter("requests");
  await Promise.all([first.collect(), second.collect()]);
  counter.add(5, { tenant: "a" });
  await first.collect();
  vi.advanceTimersByTime(6 * minute);
  counter.add(1, { tenant: "b" });
  const overflow = [{ "otel.metric.overflow": true }, 1];
  expect(pointsOf(await second.shown(), "requests")).toEqual([overflow, [{ tenant: "a" }, 5]]);
  counter.add(1, { tenant: "c" });
  expect(pointsOf(await second.shown(), "requests")).toEqual([overflow, [{ tenant: "c" }, 1]]);
});

test("a reader that came once and never again does not send all new tenants to the overflow for ever", async () => {
  const scraper = new ManualReader({ limit: 2 });
  const once = new ManualReader({ limit: 2 });
  const { meter } = start({ readers: [scraper, once] });
  const counter = meter.createCounter("requests");
  counter.add(5, { tenant: "a" });
  await Promise.all([scraper.collect(), once.collect()]);
  counter.add(5, { tenant: "a" });
  await scraper.collect();
  vi.advanceTimersByTime(21 * minute);
  await scraper.collect();
  counter.add(1, { tenant: "b" });
  expect(pointsOf(await scraper.shown(), "requests")).toEqual([[{ tenant: "b" }, 1]]);
});

test("what a delta reader is still owed of a forgotten series reaches it in the overflow's", async () => {
  const cumulative = new ManualReader({ limit: 2 });
  const late = new ManualReader({ limit: 2, temporality: delta });
  const { meter } = start({ readers: [cumulative, late] });
  const counter = meter.createCounter("requests");
  counter.add(5, { tenant: "a" });
  await cumulative.collect();
  vi.advanceTimersByTime(6 * minute);
  counter.add(1, { tenant: "b" });
  expect(pointsOf(await cumulative.shown(), "requests")).toEqual([[{ tenant: "b" }, 1]]);
  expect(pointsOf(await late.shown(), "requests")).toEqual([
    [{ "otel.metric.overflow": true }, 5],
    [{ tenant: "b" }, 1],
  ]);
});

test("a delta reader gets all of a series that ended while the other reader stayed away", async () => {
  const away = new ManualReader({ limit: 2 });
  const late = new ManualReader({ limit: 2, temporality: delta });
  const { meter } = start({ readers: [away, late] });
  const counter = meter.createCounter("requests");
  const bound = counter.bind({ tenant: "a" });
  vi.advanceTimersByTime(21 * minute);
  bound.add(5);
  bound.end();
  counter.add(1, { tenant: "b" });
  expect(pointsOf(await late.shown(), "requests")).toEqual([
    [{ "otel.metric.overflow": true }, 5],
    [{ tenant: "b" }, 1],
  ]);
});

test("an up-down counter's series is never stale: a forgotten +1 would leave its -1 behind", async () => {
  const { meter, reader } = start({ limit: 2 });
  const sessions = meter.createUpDownCounter("sessions");
  sessions.add(1, { tenant: "a" });
  await reader.collect();
  vi.advanceTimersByTime(60 * minute);
  sessions.add(1, { tenant: "b" });
  sessions.add(-1, { tenant: "a" });
  expect(pointsOf(await reader.shown(), "sessions")).toEqual([
    [{ "otel.metric.overflow": true }, 1],
    [{ tenant: "a" }, 0],
  ]);
});

test("the provider says that it forgets, so that core lets idle series make room, unless it was told not to", () => {
  const forgets = Symbol.for("meterbridge.forgets");
  expect(Reflect.get(new MeterProvider(), forgets)).toBe(true);
  expect(Reflect.get(new MeterProvider({ staleAfterMillis: Infinity }), forgets)).toBe(false);
});
