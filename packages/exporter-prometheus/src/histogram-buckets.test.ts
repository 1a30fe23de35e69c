import type { ExponentialHistogram } from "@opentelemetry/sdk-metrics";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exponentialHistogramOf } from "../test/collect-values.ts";
import { recorded } from "../test/metric-data.ts";
import { addBuckets, exponentialBuckets, explicitBuckets } from "./histogram-buckets.ts";

describe("explicitBuckets", () => {
  it("takes over ordinary buckets without a copy", () => {
    const given = recorded([1, 2], [0.5, 1, 1.5, 3]);
    const taken = explicitBuckets(given);
    expect(taken).toEqual({ bounds: [1, 2], counts: [2, 1, 1], count: 4, sum: 6 });
    expect(taken.counts).toBe(given.buckets.counts);
  });

  it.each([
    ["an infinite last bound", [1, Infinity], [2, 3, 0], [1], [2, 3]],
    ["a repeated bound", [1, 1, 2], [2, 0, 3, 1], [1, 2], [2, 3, 1]],
    ["a bound that is no number", [1, Number.NaN], [2, 3, 1], [1], [2, 4]],
    ["bounds out of order", [2, 1], [5, 2, 1], [1, 2], [2, 5, 1]],
    ["no bounds", [], [4], [], [4]],
  ])("folds %s, which would cost the scrape, and keeps every count", (_, boundaries, counts, bounds, folded) => {
    const count = counts.reduce((total, one) => total + one, 0);
    const taken = explicitBuckets({ buckets: { boundaries, counts }, count, sum: 1 });
    expect(taken).toEqual({ bounds, counts: folded, count, sum: 1 });
  });
});

describe("exponentialBuckets", () => {
  const cumulativeAt = (values: readonly number[], bound: number): number =>
    values.filter((value) => value <= bound).length;

  it("gives exact counts at every bound, of whatever values, within 64 bounds", async () => {
    const value = fc.oneof(
      fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
      fc.double({ min: 1e-3, max: 1e3, noNaN: true }),
      fc.constantFrom(0, 1, 2, 4, 1e-300, 1e300, Number.MIN_VALUE, Number.MAX_VALUE),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 60 }), async (values) => {
        const buckets = exponentialBuckets(await exponentialHistogramOf(values));
        // The SDK counts subnormal numbers as the smallest normal one.
        const counted = values.map((one) => (one === 0 ? 0 : Math.max(one, 2 ** -1022)));
        expect(buckets.count).toBe(values.length);
        expect(buckets.bounds.length).toBeLessThanOrEqual(64);
        let cumulative = 0;
        for (const [index, bound] of buckets.bounds.entries()) {
          expect(bound).toBeGreaterThan(buckets.bounds[index - 1] ?? -Infinity);
          cumulative += buckets.counts[index] ?? 0;
          // Powers of two that are not whole are rounded, so a value at the very bound may lie on either side.
          expect(cumulative).toBeGreaterThanOrEqual(cumulativeAt(counted, bound * (1 - 1e-9)));
          expect(cumulative).toBeLessThanOrEqual(cumulativeAt(counted, bound * (1 + 1e-9)));
        }
        expect(cumulative + (buckets.counts.at(-1) ?? 0)).toBe(values.length);
      }),
      { numRuns: 200 },
    );
  });

  it("keeps negative values and zeros in order below the positive ones", () => {
    const given: ExponentialHistogram = {
      count: 6,
      sum: -2,
      scale: 0,
      zeroCount: 1,
      positive: { offset: 0, bucketCounts: [2] },
      negative: { offset: 0, bucketCounts: [1, 2] },
    };
    expect(exponentialBuckets(given)).toEqual({
      bounds: [-2, -1, 0, 1, 2],
      counts: [2, 1, 1, 0, 2, 0],
      count: 6,
      sum: -2,
    });
  });

  it("is empty for an empty histogram", () => {
    const none = { offset: 0, bucketCounts: [] };
    const given: ExponentialHistogram = { count: 0, sum: 0, scale: 20, zeroCount: 0, positive: none, negative: none };
    expect(exponentialBuckets(given)).toEqual({ bounds: [], counts: [0], count: 0, sum: 0 });
  });
});

describe("addBuckets", () => {
  it("adds histograms with equal bounds bucket by bucket", () => {
    const left = explicitBuckets(recorded([1, 2], [0.5, 5]));
    const right = explicitBuckets(recorded([1, 2], [1.5, 1.5]));
    expect(addBuckets(left, right)).toEqual({ bounds: [1, 2], counts: [1, 2, 1], count: 4, sum: 8.5 });
  });

  it("keeps the shared bounds of histograms that differ, where the counts are exact", () => {
    const left = explicitBuckets(recorded([1, 2, 4], [0.5, 3, 9]));
    const right = explicitBuckets(recorded([2, 3, 4], [1.5, 2.5, 3.5]));
    expect(addBuckets(left, right)).toEqual({ bounds: [2, 4], counts: [2, 3, 1], count: 6, sum: 20 });
  });

  it("has no sum when one of the two has none", () => {
    const { buckets, count } = recorded([1], [0.5]);
    expect(addBuckets(explicitBuckets({ buckets, count }), explicitBuckets(recorded([1], [1]))).sum).toBeUndefined();
  });
});
