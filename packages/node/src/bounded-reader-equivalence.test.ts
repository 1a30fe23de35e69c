import type { Attributes } from "@opentelemetry/api";
import {
  AggregationTemporality,
  type AggregationTemporalitySelector,
  AggregationType,
  createAllowListAttributesProcessor,
  DataPointType,
  type DataPoint,
  type ExponentialHistogram,
  type IMetricReader,
  InstrumentType,
  MeterProvider,
  type MetricData,
  MetricReader,
  type ViewOptions,
} from "@opentelemetry/sdk-metrics";
import fc from "fast-check";
import { afterEach, assert, beforeEach, expect, test, vi } from "vitest";
import { attributesKey } from "./attributes-key.ts";
import { boundedReader } from "./bounded-reader.ts";

const { CUMULATIVE, DELTA } = AggregationTemporality;

class ManualReader extends MetricReader {
  protected override async onShutdown(): Promise<void> {}
  protected override async onForceFlush(): Promise<void> {}
}

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: 1_700_000_000_000 }));
afterEach(() => void vi.useRealTimers());

const readerKinds: Record<"cumulative" | "delta" | "lowMemory" | "deltaCounters", AggregationTemporalitySelector> = {
  cumulative: () => CUMULATIVE,
  delta: (type) => (type === InstrumentType.UP_DOWN_COUNTER ? CUMULATIVE : DELTA),
  lowMemory: (type) => (type === InstrumentType.COUNTER || type === InstrumentType.HISTOGRAM ? DELTA : CUMULATIVE),
  deltaCounters: (type) => (type === InstrumentType.COUNTER ? DELTA : CUMULATIVE),
};

const readerKindNames = ["cumulative", "delta", "lowMemory", "deltaCounters"] as const;

const views: ViewOptions[] = [
  { instrumentName: "counter.exponential", aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } },
  { instrumentName: "histogram.exponential", aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } },
  { instrumentName: "histogram.sum", aggregation: { type: AggregationType.SUM } },
  { instrumentName: "counter.gauge", aggregation: { type: AggregationType.LAST_VALUE } },
  { instrumentName: "counter.filtered", attributesProcessors: [createAllowListAttributesProcessor(["tenant"])] },
];

const instrumentNames = [
  "counter",
  "counter.filtered",
  "counter.exponential",
  "counter.gauge",
  "upDownCounter",
  "gauge",
  "histogram",
  "histogram.sum",
  "histogram.exponential",
] as const;
type InstrumentName = (typeof instrumentNames)[number];

type Operation =
  | { do: "record"; meter: string; instrument: InstrumentName; value: number; attributes: Attributes }
  | { do: "observe"; value: number; attributes: Attributes }
  | { do: "collect"; reader: number }
  | { do: "wait"; milliseconds: number };

const attributes = fc
  .record(
    {
      tenant: fc.constantFrom("a", "b", "c", "d", "e", "f", "g"),
      count: fc.constantFrom(1, 2),
      on: fc.boolean(),
      list: fc.constantFrom(["x"], ["x", "y"]),
    },
    { requiredKeys: [] },
  )
  .chain((values) => fc.boolean().map((reverse) => (reverse ? reversed(values) : values)));

function reversed(values: Attributes): Attributes {
  return Object.fromEntries(Object.entries(values).toReversed());
}

const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("record" as const),
      meter: fc.constantFrom("shop", "billing"),
      instrument: fc.constantFrom(...instrumentNames),
      value: fc.oneof(fc.integer({ min: 0, max: 12_000 }), fc.double({ min: 0, max: 1e9, noNaN: true })),
      attributes,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("observe" as const), value: fc.integer({ min: 0, max: 1000 }), attributes }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("collect" as const), reader: fc.nat({ max: 2 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("wait" as const), milliseconds: fc.integer({ min: 1, max: 5000 }) }),
  },
);

/** A provider with its instruments, to which operations are applied. A collection gives its metrics. */
function createWorld(readers: readonly MetricReader[], wrap: (reader: MetricReader) => IMetricReader) {
  const provider = new MeterProvider({ readers: readers.map(wrap), views });
  const observed = new Map<string, { attributes: Attributes; value: number }>();
  for (const name of ["observableCounter", "observableUpDownCounter", "observableGauge"] as const) {
    const meter = provider.getMeter("shop");
    const instruments = {
      observableCounter: () => meter.createObservableCounter(name),
      observableUpDownCounter: () => meter.createObservableUpDownCounter(name),
      observableGauge: () => meter.createObservableGauge(name),
    };
    instruments[name]().addCallback((result) => {
      for (const { attributes: of, value } of observed.values()) result.observe(value, of);
    });
  }

  function record({ meter: meterName, instrument, value, attributes: of }: Operation & { do: "record" }): void {
    const meter = provider.getMeter(meterName);
    if (instrument === "upDownCounter") meter.createUpDownCounter(instrument).add(value - 6000, { ...of });
    else if (instrument === "gauge") meter.createGauge(instrument).record(value, { ...of });
    else if (instrument.startsWith("counter")) meter.createCounter(instrument).add(value, { ...of });
    else meter.createHistogram(instrument).record(value, { ...of });
  }

  return async (step: Operation): Promise<MetricData[] | undefined> => {
    if (step.do === "record") record(step);
    if (step.do === "observe") observed.set(attributesKey(step.attributes), step);
    if (step.do !== "collect") return undefined;
    const reader = readers[step.reader % readers.length];
    const result = await reader?.collect();
    return result?.resourceMetrics.scopeMetrics.flatMap(({ scope, metrics }) =>
      metrics.map((metric) => ({
        ...metric,
        descriptor: { ...metric.descriptor, name: `${scope.name}/${metric.descriptor.name}` },
      })),
    );
  };
}

/** Metrics and points in an order of their own, since the order has no meaning. */
function sorted(metrics: readonly MetricData[]): MetricData[] {
  const byAttributes = (left: DataPoint<unknown>, right: DataPoint<unknown>): number =>
    attributesKey(left.attributes) < attributesKey(right.attributes) ? -1 : 1;
  for (const metric of metrics) metric.dataPoints.sort(byAttributes);
  return metrics.toSorted((left, right) => (left.descriptor.name < right.descriptor.name ? -1 : 1));
}

function expectSame(actual: MetricData[], expected: MetricData[], readerCount: number): void {
  expect(actual.map(({ descriptor }) => descriptor)).toEqual(expected.map(({ descriptor }) => descriptor));
  for (const [index, metric] of expected.entries()) {
    const comparable = isStartTimeShared(metric, readerCount) ? withoutStartTimes : (same: MetricData) => same;
    expect(comparable(atScaleOf(actual[index], metric))).toEqual(comparable(metric));
  }
}

/**
 * Readers share the storage of a view, and the SDK lets the last collection of one reader into the start times of another
 * reader's deltas. Which of them does it is a matter of temporality, so those start times cannot be the same.
 */
function isStartTimeShared({ aggregationTemporality, descriptor }: MetricData, readerCount: number): boolean {
  return readerCount > 1 && aggregationTemporality === DELTA && descriptor.name.includes(".");
}

function withoutStartTimes(metric: MetricData): unknown {
  const points = metric.dataPoints.map(({ startTime: _startTime, ...rest }: DataPoint<unknown>) => rest);
  return { ...metric, dataPoints: points };
}

/**
 * The SDK lowers the scale more than it must when it adds a histogram of zeros, so ours may be finer: made as coarse as the
 * SDK's, it must be the same.
 */
function atScaleOf(actual: MetricData | undefined, expected: MetricData): MetricData {
  assert(actual !== undefined);
  if (actual.dataPointType !== DataPointType.EXPONENTIAL_HISTOGRAM) return actual;
  assert(expected.dataPointType === DataPointType.EXPONENTIAL_HISTOGRAM);
  const dataPoints = actual.dataPoints.map((point, index) => ({
    ...point,
    value: coarsened(point.value, expected.dataPoints[index]?.value.scale ?? Number.NaN),
  }));
  return { ...actual, dataPoints };
}

function coarsened(value: ExponentialHistogram, scale: number): ExponentialHistogram {
  if (value.positive.bucketCounts.length === 0) return value;
  expect(value.scale).toBeGreaterThanOrEqual(scale);
  const shift = value.scale - scale;
  const offset = value.positive.offset >> shift;
  const bucketCounts: number[] = [];
  for (const [index, count] of value.positive.bucketCounts.entries()) {
    const bucket = ((value.positive.offset + index) >> shift) - offset;
    bucketCounts[bucket] = (bucketCounts[bucket] ?? 0) + count;
  }
  return { ...value, scale, positive: { offset, bucketCounts } };
}

test("with room for every series, a wrapped reader sees exactly what it sees without the wrapper", async () => {
  const kinds = fc.array(fc.constantFrom(...readerKindNames), { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(kinds, fc.array(operation, { minLength: 20, maxLength: 120 }), async (selected, operations) => {
      const createReaders = (): ManualReader[] =>
        selected.map((kind) => new ManualReader({ aggregationTemporalitySelector: readerKinds[kind] }));
      const official = createWorld(createReaders(), (reader) => reader);
      const bounded = createWorld(createReaders(), (reader) => boundedReader(reader, { seriesLimit: 2000 }));
      for (const step of [...operations, ...[0, 1, 2].map((reader) => ({ do: "collect", reader }) as const)]) {
        vi.advanceTimersByTime(step.do === "wait" ? step.milliseconds : 1);
        const expected = await official(step);
        const actual = await bounded(step);
        expectSame(sorted(actual ?? []), sorted(expected ?? []), selected.length);
      }
    }),
    { numRuns: 200 },
  );
});
