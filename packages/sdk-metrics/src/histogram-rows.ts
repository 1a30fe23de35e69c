import type { Histogram } from "@opentelemetry/sdk-metrics";
import { bucketOf, createBuckets } from "./bucket-of.ts";
import { DataPointType } from "./official-enums.ts";
import { foldSum, settledSum } from "./finite-sum.ts";
import type { RowKind } from "./row-kind.ts";

export interface HistogramOptions {
  /** Finite and ascending; inclusive upper bounds. */
  readonly boundaries: readonly number[];
  readonly recordMinMax: boolean;
  /** Whether values may be negative: a sum of them is no sum in the sense of the data model, and is left out. */
  readonly negative: boolean;
}

/** Histograms with explicit buckets: `[epoch, sum, min, max, count of each bucket…]`. */
export function histogramRows({ boundaries, recordMinMax, negative }: HistogramOptions): RowKind {
  const finder = createBuckets(boundaries);
  const buckets = boundaries.length + 1;
  const noCounts: readonly number[] = Array.from({ length: buckets }, () => 0);
  // Handed out with each point, as the official SDK does.
  const shown = [...boundaries];

  return {
    stride: 4 + buckets,
    dataPointType: DataPointType.HISTOGRAM,
    buckets: finder,

    clear(rows, at) {
      rows.fill(0, at, at + 4 + buckets);
      rows[at + 2] = Infinity;
      rows[at + 3] = -Infinity;
    },

    record(rows, at, value) {
      recordInBucket(rows, at, value, bucketOf(finder, value));
    },

    fold(from, fromAt, to, toAt) {
      to[toAt] = from[fromAt]!;
      foldSum(from, fromAt + 1, to, toAt + 1);
      to[toAt + 2] = Math.min(to[toAt + 2]!, from[fromAt + 2]!);
      to[toAt + 3] = Math.max(to[toAt + 3]!, from[fromAt + 3]!);
      for (let bucket = 4; bucket < 4 + buckets; bucket++) to[toAt + bucket]! += from[fromAt + bucket]!;
    },

    read(rows, at, tooLarge): Histogram {
      const counts = noCounts.slice();
      let count = 0;
      for (let bucket = 0; bucket < buckets; bucket++) {
        const inBucket = rows[at + 4 + bucket]!;
        if (inBucket === 0) continue;
        // As a small integer where it is one: an array of these is made, and read, in half the time.
        const small = inBucket | 0;
        counts[bucket] = small === inBucket ? small : inBucket;
        count += inBucket;
      }
      return {
        min: recordMinMax ? rows[at + 2]! : undefined,
        max: recordMinMax ? rows[at + 3]! : undefined,
        sum: negative ? undefined : settledSum(rows, at + 1, tooLarge),
        buckets: { boundaries: shown, counts },
        count,
      } as Histogram;
    },
  };
}

/** Records a value whose bucket is known. */
export function recordInBucket(rows: Float64Array, at: number, value: number, bucket: number): void {
  rows[at + 1]! += value;
  if (value < rows[at + 2]!) rows[at + 2] = value;
  if (value > rows[at + 3]!) rows[at + 3] = value;
  rows[at + 4 + bucket]!++;
}
