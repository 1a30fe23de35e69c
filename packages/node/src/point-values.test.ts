import {
  AggregationTemporality,
  AggregationType,
  type AggregationOption,
  DataPointType,
  type ExponentialHistogram,
  type Histogram,
  MeterProvider,
  type MetricData,
  MetricReader,
} from "@opentelemetry/sdk-metrics";
import fc from "fast-check";
import { assert, expect, test } from "vitest";
import { mergeExponentialHistograms, mergeHistograms } from "./point-values.ts";

class ManualReader extends MetricReader {
  protected override async onShutdown(): Promise<void> {}
  protected override async onForceFlush(): Promise<void> {}
}

/** What the official SDK makes of the values, one metric for each list. */
async function record(
  aggregation: AggregationOption,
  valueLists: readonly (readonly number[])[],
): Promise<MetricData[]> {
  const reader = new ManualReader({ aggregationTemporalitySelector: () => AggregationTemporality.DELTA });
  const provider = new MeterProvider({ readers: [reader], views: [{ instrumentName: "*", aggregation }] });
  const instrument = provider.getMeter("test").createHistogram("values");
  const metrics: MetricData[] = [];
  for (const values of valueLists) {
    for (const value of values) instrument.record(value);
    const { resourceMetrics } = await reader.collect();
    metrics.push(...resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics));
  }
  return metrics;
}

async function exponentialHistograms(valueLists: readonly (readonly number[])[]): Promise<ExponentialHistogram[]> {
  const metrics = await record({ type: AggregationType.EXPONENTIAL_HISTOGRAM }, valueLists);
  return metrics.flatMap((metric) => {
    assert(metric.dataPointType === DataPointType.EXPONENTIAL_HISTOGRAM);
    return metric.dataPoints.map(({ value }) => value);
  });
}

async function histograms(recordMinMax: boolean, valueLists: readonly (readonly number[])[]): Promise<Histogram[]> {
  const options = { boundaries: [1, 10, 100, 10_000], recordMinMax };
  const metrics = await record({ type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM, options }, valueLists);
  return metrics.flatMap((metric) => {
    assert(metric.dataPointType === DataPointType.HISTOGRAM);
    return metric.dataPoints.map(({ value }) => value);
  });
}

const magnitudes = [
  fc.double({ min: 0.999, max: 1.001, noNaN: true }),
  fc.double({ min: 0.1, max: 1000, noNaN: true }),
  fc
    .tuple(fc.double({ min: 1, max: 10, noNaN: true }), fc.integer({ min: -300, max: 300 }))
    .map(([m, e]) => m * 10 ** e),
];
const intervals = fc.constantFrom(...magnitudes).chain((magnitude) => {
  const values = fc.oneof(
    fc.array(fc.constant(0), { minLength: 1, maxLength: 2 }),
    fc.array(fc.oneof(fc.constant(0), magnitude), { minLength: 1, maxLength: 6 }),
  );
  return fc.array(values, { minLength: 1, maxLength: 8 });
});

function withoutSum<Value extends { sum?: number }>({ sum: _sum, ...rest }: Value): Omit<Value, "sum"> {
  return rest;
}

test("exponential histograms added interval by interval equal one that saw every value", async () => {
  await fc.assert(
    fc.asyncProperty(intervals, async (valueLists) => {
      const merged = (await exponentialHistograms(valueLists)).reduce(mergeExponentialHistograms);
      const [atOnce] = await exponentialHistograms([valueLists.flat()]);
      assert(atOnce !== undefined);
      expect(withoutSum(merged)).toEqual(withoutSum(atOnce));
      expect(merged.sum).toBeCloseTo(atOnce.sum ?? Number.NaN, 5 - Math.log10(atOnce.sum || 1));
    }),
    { numRuns: 300 },
  );
});

test("exponential histograms with values below zero keep every count on both sides, in at most 160 buckets", () => {
  const histogram = (values: readonly number[]): ExponentialHistogram => {
    const side = (of: readonly number[]) => {
      if (of.length === 0) return { offset: 0, bucketCounts: [] };
      const indexes = of.map((value) => Math.ceil(Math.log2(value) * 8) - 1);
      const offset = Math.min(...indexes);
      const bucketCounts = Array.from(
        { length: Math.max(...indexes) - offset + 1 },
        (_, bucket) => indexes.filter((index) => index === offset + bucket).length,
      );
      return { offset, bucketCounts };
    };
    return {
      count: values.length,
      scale: 3,
      zeroCount: values.filter((value) => value === 0).length,
      positive: side(values.filter((value) => value > 0)),
      negative: side(values.filter((value) => value < 0).map((value) => -value)),
    };
  };
  const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);
  // From 0.02 to 10,000 are 153 buckets of this scale: what is merged must itself keep to the 160 that the SDK makes.
  const values = fc.array(
    fc.double({ min: -1e4, max: 1e4, noNaN: true }).filter((value) => value === 0 || Math.abs(value) > 0.02),
    {
      minLength: 1,
      maxLength: 20,
    },
  );
  fc.assert(
    fc.property(fc.array(values, { minLength: 1, maxLength: 6 }), (valueLists) => {
      const merged = valueLists.map(histogram).reduce(mergeExponentialHistograms);
      const all = valueLists.flat();
      expect(total(merged.positive.bucketCounts)).toBe(all.filter((value) => value > 0).length);
      expect(total(merged.negative.bucketCounts)).toBe(all.filter((value) => value < 0).length);
      expect(merged.zeroCount).toBe(all.filter((value) => value === 0).length);
      expect(merged.positive.bucketCounts.length).toBeLessThanOrEqual(160);
      expect(merged.negative.bucketCounts.length).toBeLessThanOrEqual(160);
    }),
  );
});

test("an exponential histogram grows to 160 buckets before it gives up precision", () => {
  const at = (offset: number): ExponentialHistogram => ({
    count: 1,
    scale: 5,
    zeroCount: 0,
    positive: { offset, bucketCounts: [1] },
    negative: { offset: 0, bucketCounts: [] },
  });
  const widest = mergeExponentialHistograms(at(0), at(159));
  expect(widest.scale).toBe(5);
  expect(widest.positive.bucketCounts).toHaveLength(160);
  const halved = mergeExponentialHistograms(at(0), at(160));
  expect(halved.scale).toBe(4);
  expect(halved.positive.bucketCounts).toHaveLength(81);
});

test("histograms added interval by interval equal one that saw every value", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1 }), { minLength: 1, maxLength: 6 }),
      fc.boolean(),
      async (valueLists, recordMinMax) => {
        const [atOnce] = await histograms(recordMinMax, [valueLists.flat()]);
        expect((await histograms(recordMinMax, valueLists)).reduce(mergeHistograms)).toEqual(atOnce);
      },
    ),
  );
});
