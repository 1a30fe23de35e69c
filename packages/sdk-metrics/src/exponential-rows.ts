import type { ExponentialHistogram } from "@opentelemetry/sdk-metrics";
import { bucketIndex, finestScale } from "./exponential-mapping.ts";
import { DataPointType } from "./official-enums.ts";
import { foldSum, settledSum } from "./finite-sum.ts";
import type { RowKind } from "./row-kind.ts";

export interface ExponentialOptions {
  /** Buckets for each of the positive and the negative values. At least 2. */
  readonly maxSize: number;
  readonly recordMinMax: boolean;
  /** Whether values may be negative. */
  readonly negative: boolean;
}

// Where a row keeps what.
const sum = 1;
const min = 2;
const max = 3;
const count = 4;
const zeroCount = 5;
const scale = 6;
const positive = 7;

/**
 * Base-2 exponential histograms (specification, metrics SDK, "Base2 Exponential Bucket Histogram Aggregation"): `[epoch, sum,
 * min, max, count, zeros, scale, positive buckets…, negative buckets…]`. Buckets are a range: lowest index, highest index (below
 * the lowest when there is none), and `maxSize` counts, each at its index modulo `maxSize`, so that a range that moves
 * moves nothing.
 */
export function exponentialRows({ maxSize, recordMinMax, negative }: ExponentialOptions): RowKind {
  const rangeSize = 2 + maxSize;
  const ranges = negative ? [positive, positive + rangeSize] : [positive];
  const stride = positive + ranges.length * rangeSize;

  function clear(rows: Float64Array, at: number): void {
    rows.fill(0, at, at + stride);
    rows[at + min] = Infinity;
    rows[at + max] = -Infinity;
    rows[at + scale] = finestScale;
    for (const range of ranges) rows[at + range + 1] = -1;
  }

  function placeOf(index: number): number {
    const place = index % maxSize;
    return 2 + (place < 0 ? place + maxSize : place);
  }

  /** Coarsens the row until each range, widened to the span, fits its buckets. */
  function fit(rows: Float64Array, at: number, range: number, lowest: number, highest: number): number {
    const wasEmpty = rows[range]! > rows[range + 1]!;
    let low = wasEmpty ? lowest : Math.min(lowest, rows[range]!);
    let top = wasEmpty ? highest : Math.max(highest, rows[range + 1]!);
    let change = 0;
    for (; top - low >= maxSize; change++) {
      low >>= 1;
      top >>= 1;
    }
    coarsen(rows, at, change);
    return change;
  }

  function coarsen(rows: Float64Array, at: number, change: number): void {
    if (change === 0) return;
    rows[at + scale]! -= change;
    for (const offset of ranges) {
      const range = at + offset;
      const low = rows[range]!;
      const top = rows[range + 1]!;
      if (low > top) continue;
      const counts = new Float64Array(maxSize);
      for (let index = low; index <= top; index++) {
        counts[placeOf(index >> change) - 2]! += rows[range + placeOf(index)]!;
      }
      rows[range] = low >> change;
      rows[range + 1] = top >> change;
      rows.set(counts, range + 2);
    }
  }

  function add(rows: Float64Array, range: number, index: number, times: number): void {
    const isEmpty = rows[range]! > rows[range + 1]!;
    rows[range] = isEmpty ? index : Math.min(rows[range]!, index);
    rows[range + 1] = isEmpty ? index : Math.max(rows[range + 1]!, index);
    rows[range + placeOf(index)]! += times;
  }

  function readRange(rows: Float64Array, range: number): ExponentialHistogram["positive"] {
    const bucketCounts: number[] = [];
    for (let index = rows[range]!; index <= rows[range + 1]!; index++) bucketCounts.push(rows[range + placeOf(index)]!);
    return { offset: bucketCounts.length === 0 ? 0 : rows[range]!, bucketCounts };
  }

  return {
    stride,
    dataPointType: DataPointType.EXPONENTIAL_HISTOGRAM,
    clear,

    record(rows, at, value) {
      if (value < rows[at + min]!) rows[at + min] = value;
      if (value > rows[at + max]!) rows[at + max] = value;
      rows[at + count]!++;
      if (value === 0) {
        rows[at + zeroCount]!++;
        return;
      }
      rows[at + sum]! += value;
      const range = at + (value > 0 ? positive : positive + rangeSize);
      let index = bucketIndex(Math.abs(value), rows[at + scale]!);
      // At the coarser scale a value beside a power of two may be a bucket further than its index halved, and need room again.
      while (fit(rows, at, range, index, index) > 0) index = bucketIndex(Math.abs(value), rows[at + scale]!);
      add(rows, range, index, 1);
    },

    fold(from, fromAt, to, toAt) {
      to[toAt] = from[fromAt]!;
      foldSum(from, fromAt + sum, to, toAt + sum);
      to[toAt + count]! += from[fromAt + count]!;
      to[toAt + zeroCount]! += from[fromAt + zeroCount]!;
      to[toAt + min] = Math.min(to[toAt + min]!, from[fromAt + min]!);
      to[toAt + max] = Math.max(to[toAt + max]!, from[fromAt + max]!);
      coarsen(to, toAt, Math.max(0, to[toAt + scale]! - from[fromAt + scale]!));
      for (const range of ranges) {
        const low = from[fromAt + range]!;
        const top = from[fromAt + range + 1]!;
        if (low > top) continue;
        const shift = from[fromAt + scale]! - to[toAt + scale]!;
        fit(to, toAt, toAt + range, low >> shift, top >> shift);
        const shifted = from[fromAt + scale]! - to[toAt + scale]!;
        for (let index = low; index <= top; index++) {
          const times = from[fromAt + range + placeOf(index)]!;
          if (times > 0) add(to, toAt + range, index >> shifted, times);
        }
      }
    },

    read(rows, at, tooLarge): ExponentialHistogram {
      return {
        min: recordMinMax ? rows[at + min]! : undefined,
        max: recordMinMax ? rows[at + max]! : undefined,
        sum: negative ? undefined : settledSum(rows, at + sum, tooLarge),
        positive: readRange(rows, at + positive),
        negative: negative ? readRange(rows, at + positive + rangeSize) : { offset: 0, bucketCounts: [] },
        count: rows[at + count]!,
        // Without a bucket every scale is as good; the official SDK says 0.
        scale: rows[at + count] === rows[at + zeroCount] ? 0 : rows[at + scale]!,
        zeroCount: rows[at + zeroCount]!,
      } as ExponentialHistogram;
    },
  };
}
