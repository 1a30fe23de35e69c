import type { ExponentialHistogram, Histogram } from "@opentelemetry/sdk-metrics";

/** A total and the delta that follows it, as one new histogram. Both must have the same boundaries. */
export function mergeHistograms(total: Histogram, delta: Histogram): Histogram {
  const { boundaries } = total.buckets;
  const counts = total.buckets.counts.slice();
  for (const [bucket, count] of delta.buckets.counts.entries()) counts[bucket] = (counts[bucket] ?? 0) + count;
  const merged: Histogram = { count: total.count + delta.count, buckets: { boundaries, counts } };
  addSummaries(merged, total, delta);
  return merged;
}

/**
 * A total and the delta that follows it, as one new exponential histogram.
 *
 * At scale s, bucket i holds the values from 2^(i/2^s) to 2^((i+1)/2^s); so lowering the scale by one joins buckets 2i and
 * 2i+1, and two histograms are added at the highest scale at which both fit.
 * Source: OpenTelemetry metrics data model, "Exponential Histogram".
 */
export function mergeExponentialHistograms(
  total: ExponentialHistogram,
  delta: ExponentialHistogram,
): ExponentialHistogram {
  const scale = commonScale(total, delta);
  const merged: ExponentialHistogram = {
    count: total.count + delta.count,
    scale,
    zeroCount: total.zeroCount + delta.zeroCount,
    positive: mergeBuckets(total.positive, total.scale - scale, delta.positive, delta.scale - scale),
    negative: mergeBuckets(total.negative, total.scale - scale, delta.negative, delta.scale - scale),
  };
  addSummaries(merged, total, delta);
  return merged;
}

type Summary = Pick<Histogram, "sum" | "min" | "max">;

function addSummaries(merged: Summary, total: Summary, delta: Summary): void {
  if (total.sum !== undefined && delta.sum !== undefined) merged.sum = total.sum + delta.sum;
  // A histogram that saw no value, or is not to record the extremes, has none.
  if (total.min !== undefined || delta.min !== undefined) {
    merged.min = Math.min(total.min ?? Infinity, delta.min ?? Infinity);
  }
  if (total.max !== undefined || delta.max !== undefined) {
    merged.max = Math.max(total.max ?? -Infinity, delta.max ?? -Infinity);
  }
}

/**
 * The most buckets a merge makes on each side of zero: the SDK's default. A point does not tell the size its view set, so
 * a view with fewer gets up to these, and one with more gets as many as its longest delta has.
 */
const defaultMaxSize = 160;

type Buckets = ExponentialHistogram["positive"];

function commonScale(total: ExponentialHistogram, delta: ExponentialHistogram): number {
  // Without buckets the scale says nothing: the SDK gives 0 to a histogram of zeros.
  if (isEmpty(delta)) return total.scale;
  if (isEmpty(total)) return delta.scale;
  const sides = [total.positive, total.negative, delta.positive, delta.negative];
  const maxSize = Math.max(defaultMaxSize, ...sides.map(({ bucketCounts }) => bucketCounts.length));
  const fits = (side: "positive" | "negative", scale: number): boolean => {
    const [low, high] = rangeOf(total[side], total.scale - scale, delta[side], delta.scale - scale);
    return high - low < maxSize;
  };
  let scale = Math.min(total.scale, delta.scale);
  while (!fits("positive", scale) || !fits("negative", scale)) scale -= 1;
  return scale;
}

function isEmpty({ positive, negative }: ExponentialHistogram): boolean {
  return positive.bucketCounts.length === 0 && negative.bucketCounts.length === 0;
}

function mergeBuckets(total: Buckets, totalShift: number, delta: Buckets, deltaShift: number): Buckets {
  const [low, high] = rangeOf(total, totalShift, delta, deltaShift);
  if (low > high) return { offset: 0, bucketCounts: [] };
  const bucketCounts = Array.from({ length: high - low + 1 }, () => 0);
  for (const [{ offset, bucketCounts: counts }, shift] of [
    [total, totalShift],
    [delta, deltaShift],
  ] as const) {
    for (const [index, count] of counts.entries()) {
      const position = ((offset + index) >> shift) - low;
      bucketCounts[position] = (bucketCounts[position] ?? 0) + count;
    }
  }
  return { offset: low, bucketCounts };
}

/** The first and last bucket of the two together, each with its scale lowered by its shift; [∞, -∞] when both are empty. */
function rangeOf(total: Buckets, totalShift: number, delta: Buckets, deltaShift: number): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const [{ offset, bucketCounts }, shift] of [
    [total, totalShift],
    [delta, deltaShift],
  ] as const) {
    if (bucketCounts.length === 0) continue;
    low = Math.min(low, offset >> shift);
    high = Math.max(high, (offset + bucketCounts.length - 1) >> shift);
  }
  return [low, high];
}
