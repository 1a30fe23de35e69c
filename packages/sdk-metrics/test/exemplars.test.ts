import {
  context,
  INVALID_SPAN_CONTEXT,
  ROOT_CONTEXT,
  trace,
  TraceFlags,
  type Attributes,
  type Context,
} from "@opentelemetry/api";
import { AggregationType, createAllowListAttributesProcessor } from "@opentelemetry/sdk-metrics";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Exemplar, MeterProvider, type MeterProviderOptions } from "../src/index.ts";
import { delta, ManualReader } from "./manual-reader.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: 1_800_000_000_500 });
});
afterEach(() => {
  vi.useRealTimers();
  context.disable();
});

const traceId = "0af7651916cd43dd8448eb211c80319c";
const sampled = contextOf("b7ad6b7169203331", TraceFlags.SAMPLED);
const unsampled = contextOf("00f067aa0ba902b7", TraceFlags.NONE);

function contextOf(spanId: string, traceFlags: TraceFlags): Context {
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags });
}

function start(options: MeterProviderOptions = {}, limit = 2000) {
  const reader = new ManualReader({ limit });
  const provider = new MeterProvider({ readers: [reader], exemplarFilter: "trace_based", ...options });
  return { meter: provider.getMeter("meter"), reader };
}

async function exemplarsIn(reader: ManualReader): Promise<readonly (readonly [Attributes, readonly Exemplar[]])[]> {
  const { resourceMetrics } = await reader.collect();
  return resourceMetrics.scopeMetrics
    .flatMap(({ metrics }) => metrics)
    .flatMap(({ dataPoints }) => dataPoints as readonly { attributes: Attributes; exemplars?: readonly Exemplar[] }[])
    .map(({ attributes, exemplars }) => [attributes, exemplars ?? []] as const);
}

test("what was recorded in a sampled span leads to its trace, what was not leads nowhere", async () => {
  const { meter, reader } = start();
  const counter = meter.createCounter("requests");
  counter.add(1, { tenant: "a" }, sampled);
  counter.add(2, { tenant: "b" }, unsampled);
  counter.add(3, { tenant: "c" });
  expect(await exemplarsIn(reader)).toEqual([
    [
      { tenant: "a" },
      [
        {
          value: 1,
          timestamp: [1_800_000_000, 500_000_000],
          traceId,
          spanId: "b7ad6b7169203331",
          filteredAttributes: {},
        },
      ],
    ],
    [{ tenant: "b" }, []],
    [{ tenant: "c" }, []],
  ]);
});

test("a histogram keeps the last of each bucket, so that slow requests are not hidden by many fast ones", async () => {
  const { meter, reader } = start();
  const histogram = meter.createHistogram("duration", { advice: { explicitBucketBoundaries: [1, 10] } });
  for (const value of [0.5, 0.7, 100, 0.9]) histogram.record(value, {}, sampled);
  const [[, exemplars] = [{}, []]] = await exemplarsIn(reader);
  expect(exemplars.map(({ value }) => value)).toEqual([0.9, 100]);
});

test("an exponential histogram keeps twenty, a counter one: memory does not grow with what is recorded", async () => {
  const { meter, reader } = start({
    views: [{ instrumentName: "duration", aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } }],
  });
  const histogram = meter.createHistogram("duration");
  const counter = meter.createCounter("requests");
  for (let value = 1; value <= 100; value++) {
    histogram.record(value, {}, sampled);
    counter.add(value, {}, sampled);
  }
  const kept = (await exemplarsIn(reader)).map(([, exemplars]) => exemplars.map(({ value }) => value));
  expect(kept.map((values) => values.length)).toEqual([20, 1]);
  expect(kept.map((values) => Math.min(...values))).toEqual([81, 100]);
});

test("attributes that a view or the overflow takes from the series stay with the exemplar", async () => {
  const processors = [createAllowListAttributesProcessor(["tenant"])];
  const { meter, reader } = start({ views: [{ instrumentName: "viewed", attributesProcessors: processors }] }, 2);
  meter.createCounter("viewed").add(1, { tenant: "a", request: "r-1" }, sampled);
  const full = meter.createCounter("full");
  full.add(1, { tenant: "a" }, sampled);
  full.add(1, { tenant: "b" }, sampled);
  const filtered = (await exemplarsIn(reader)).map(([kept, exemplars]) => [kept, exemplars[0]?.filteredAttributes]);
  expect(filtered).toEqual([
    [{ tenant: "a" }, { request: "r-1" }],
    [{ "otel.metric.overflow": true }, { tenant: "b" }],
    [{ tenant: "a" }, {}],
  ]);
});

test("each reader is given what came since its own last collection, however often another collects", async () => {
  const readers = [new ManualReader(), new ManualReader({ temporality: delta })] as const;
  const meter = new MeterProvider({ readers: [...readers], exemplarFilter: "always_on" }).getMeter("meter");
  const counter = meter.createCounter("requests");
  const values = async (reader: ManualReader): Promise<number[]> =>
    (await exemplarsIn(reader)).flatMap(([, exemplars]) => exemplars.map(({ value }) => value));
  counter.add(1);
  expect(await values(readers[0])).toEqual([1]);
  expect(await values(readers[0])).toEqual([]);
  expect(await values(readers[1])).toEqual([1]);
  counter.add(2);
  expect(await values(readers[1])).toEqual([2]);
  expect(await values(readers[0])).toEqual([2]);
});

test("bound and combined series have exemplars too, and record what they record without", async () => {
  const { meter, reader } = start({ exemplarFilter: "always_on" });
  const series = meter.createHistogram("duration").bind({ tenant: "a" });
  series.record(3);
  meter.combine([{ series, position: 0 }])(Float64Array.of(700));
  const { resourceMetrics } = await reader.collect();
  const [point] = resourceMetrics.scopeMetrics[0]!.metrics[0]!.dataPoints;
  expect(point).toMatchObject({
    value: { count: 2, sum: 703 },
    exemplars: [{ value: 3 }, { value: 700 }],
  });
  expect((point as { exemplars?: Exemplar[] }).exemplars![0]).not.toHaveProperty("traceId");
});

test("an exemplar made where tracing is off has no trace, instead of one of zeros", async () => {
  const { meter, reader } = start({ exemplarFilter: "always_on" });
  const off = trace.setSpanContext(ROOT_CONTEXT, INVALID_SPAN_CONTEXT);
  meter.createCounter("requests").add(1, { tenant: "a" }, off);
  const [[, [exemplar]] = [{}, []]] = await exemplarsIn(reader);
  expect(exemplar).toEqual({ value: 1, timestamp: [1_800_000_000, 500_000_000], filteredAttributes: {} });
});

test("unless they are asked for there are none", async () => {
  const reader = new ManualReader();
  const counter = new MeterProvider({ readers: [reader] }).getMeter("meter").createCounter("requests");
  counter.add(1, {}, sampled);
  const { resourceMetrics } = await reader.collect();
  expect(resourceMetrics.scopeMetrics[0]!.metrics[0]!.dataPoints[0]).not.toHaveProperty("exemplars");
});

test("a context manager that throws costs the exemplar, not the measurement", async () => {
  const { meter, reader } = start();
  const hostile = {
    getValue: () => {
      throw new Error("hostile");
    },
  } as unknown as Context;
  meter.createCounter("requests").add(1, { tenant: "a" }, hostile);
  expect(await exemplarsIn(reader)).toEqual([[{ tenant: "a" }, []]]);
});

test("a filter that there is none of fails at start", () => {
  expect(() => new MeterProvider({ exemplarFilter: "sometimes" as "always_on" })).toThrow(
    'option "exemplarFilter" must be always_off, always_on, trace_based, found sometimes',
  );
});
