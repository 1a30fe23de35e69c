import type { ExponentialHistogram, Histogram } from "@opentelemetry/sdk-metrics";

/** A histogram ready to be written: `counts` has one entry more than `bounds`, the last for values above every bound. */
export interface Buckets {
  /** Finite, strictly ascending, inclusive upper bounds. */
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly count: number;
  /** Undefined when the aggregation keeps none. */
  readonly sum: number | undefined;
}

/** Takes over explicit buckets. Bounds that Prometheus cannot take (not finite, repeated) are folded into the next one. */
export function explicitBuckets(histogram: Histogram): Buckets {
  const { boundaries, counts } = histogram.buckets;
  const total = counts.length === 0 ? histogram.count : sumOf(counts);
  if (counts.length === boundaries.length + 1 && isAscending(boundaries)) {
    return { bounds: boundaries, counts, count: total, sum: histogram.sum };
  }
  const bounds = [...new Set(boundaries)].filter(Number.isFinite).toSorted((left, right) => left - right);
  return { bounds, counts: foldCounts(boundaries, counts, bounds, total), count: total, sum: histogram.sum };
}

const finestScale = 1;
const mostBounds = 64;

/**
 * Turns an exponential histogram into explicit buckets: at most 64 bounds at powers of √2, or of 2, 4, 16 … where the values
 * spread wider. Every such bound is also one of the original's, so each count stays exact; only resolution is given up.
 *
 * Source: OpenTelemetry specification, metrics data model, "ExponentialHistogram" (bucket `i` holds `(base^i, base^(i+1)]`).
 */
export function exponentialBuckets(histogram: ExponentialHistogram): Buckets {
  let scale = Math.min(histogram.scale, finestScale);
  let positive = coarsen(histogram.positive, histogram.scale - scale);
  let negative = coarsen(histogram.negative, histogram.scale - scale);
  while (span(positive) + span(negative) + 1 > mostBounds) {
    scale--;
    positive = coarsen({ offset: positive.first, bucketCounts: positive.counts }, 1);
    negative = coarsen({ offset: negative.first, bucketCounts: negative.counts }, 1);
  }
  const boundOf = (index: number): number => 2 ** (index * 2 ** -scale);

  const bounds: number[] = [];
  const counts: number[] = [];
  let waiting = 0;
  const add = (bound: number, count: number): void => {
    waiting += count;
    // The outermost bounds of a very coarse scale overflow to infinity or fall together at zero.
    const previous = bounds.at(-1);
    if (!Number.isFinite(bound)) return;
    if (previous !== undefined && bound <= previous) {
      counts[counts.length - 1] = (counts.at(-1) ?? 0) + waiting;
    } else {
      bounds.push(bound);
      counts.push(waiting);
    }
    waiting = 0;
  };
  for (let place = negative.counts.length - 1; place >= 0; place--) {
    add(-boundOf(negative.first + place), negative.counts[place] ?? 0);
  }
  if (histogram.zeroCount > 0 || negative.counts.length > 0) add(0, histogram.zeroCount);
  if (positive.counts.length > 0) add(boundOf(positive.first), 0);
  positive.counts.forEach((count, place) => add(boundOf(positive.first + place + 1), count));
  counts.push(waiting);
  return { bounds, counts, count: sumOf(counts), sum: histogram.sum };
}

/**
 * Adds two histograms. Where their bounds differ, the bounds that both have are kept: there each count is exact.
 */
export function addBuckets(left: Buckets, right: Buckets): Buckets {
  const sum = left.sum === undefined || right.sum === undefined ? undefined : left.sum + right.sum;
  const count = left.count + right.count;
  const shared = new Set(right.bounds);
  const bounds = left.bounds.filter((bound) => shared.has(bound));
  const leftCounts = foldCounts(left.bounds, left.counts, bounds, left.count);
  const rightCounts = foldCounts(right.bounds, right.counts, bounds, right.count);
  return { bounds, counts: leftCounts.map((one, index) => one + (rightCounts[index] ?? 0)), count, sum };
}

interface Run {
  readonly first: number;
  readonly counts: readonly number[];
}

function coarsen(buckets: { readonly offset: number; readonly bucketCounts: readonly number[] }, steps: number): Run {
  const { offset, bucketCounts } = buckets;
  const start = bucketCounts.findIndex((count) => count > 0);
  if (start === -1) return { first: 0, counts: [] };
  const end = bucketCounts.findLastIndex((count) => count > 0);
  const factor = 2 ** steps;
  const first = Math.floor((offset + start) / factor);
  const counts = Array.from({ length: Math.floor((offset + end) / factor) - first + 1 }, () => 0);
  for (let place = start; place <= end; place++) {
    const target = Math.floor((offset + place) / factor) - first;
    counts[target] = (counts[target] ?? 0) + (bucketCounts[place] ?? 0);
  }
  return { first, counts };
}

function span(run: Run): number {
  return run.counts.length === 0 ? 0 : run.counts.length + 1;
}

/** Counts per kept bound; what lies above the last kept bound goes into the last entry. */
function foldCounts(
  bounds: readonly number[],
  counts: readonly number[],
  kept: readonly number[],
  total: number,
): number[] {
  const folded = Array.from({ length: kept.length + 1 }, () => 0);
  let placed = 0;
  bounds.forEach((bound, index) => {
    const target = kept.findIndex((one) => one >= bound);
    if (target === -1) return;
    folded[target] = (folded[target] ?? 0) + (counts[index] ?? 0);
    placed += counts[index] ?? 0;
  });
  folded[kept.length] = Math.max(0, total - placed);
  return folded;
}

function isAscending(bounds: readonly number[]): boolean {
  let previous = -Infinity;
  for (const bound of bounds) {
    if (!(bound > previous) || bound === Infinity) return false;
    previous = bound;
  }
  return true;
}

function sumOf(counts: readonly number[]): number {
  let sum = 0;
  for (const count of counts) sum += count;
  return sum;
}
