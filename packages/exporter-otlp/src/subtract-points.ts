import type { DataPoint, ExponentialHistogram, Histogram } from "@opentelemetry/sdk-metrics";

/** What a sum or histogram holds. */
export type Cumulated = number | Histogram | ExponentialHistogram;

/** What was added since `before`, which is an older state of the same series; undefined where that is nothing. */
export function subtract(now: Cumulated, before: Cumulated | undefined): Cumulated | undefined {
  if (before === undefined) return now;
  if (typeof now === "number") return now === before ? undefined : now - (before as number);
  if (now.count === (before as Histogram).count) return undefined;
  return "buckets" in now
    ? subtractHistogram(now, before as Histogram)
    : subtractExponential(now, before as ExponentialHistogram);
}

/** Least and greatest of the new values alone cannot be told from those of all. */
function subtractHistogram(now: Histogram, before: Histogram): Histogram {
  const { boundaries, counts } = now.buckets;
  return {
    count: now.count - before.count,
    ...difference(now.sum, before.sum),
    buckets: { boundaries, counts: counts.map((count, index) => count - (before.buckets.counts[index] ?? 0)) },
  };
}

function subtractExponential(now: ExponentialHistogram, before: ExponentialHistogram): ExponentialHistogram {
  // A scale only ever falls, by which pairs of buckets become one.
  const steps = before.scale - now.scale;
  return {
    count: now.count - before.count,
    ...difference(now.sum, before.sum),
    scale: now.scale,
    zeroCount: now.zeroCount - before.zeroCount,
    positive: subtractBuckets(now.positive, before.positive, steps),
    negative: subtractBuckets(now.negative, before.negative, steps),
  };
}

type Buckets = ExponentialHistogram["positive"];

function subtractBuckets(now: Buckets, before: Buckets, steps: number): Buckets {
  const bucketCounts = [...now.bucketCounts];
  before.bucketCounts.forEach((count, index) => {
    const at = Math.floor((before.offset + index) / 2 ** steps) - now.offset;
    if (count > 0) bucketCounts[at] = (bucketCounts[at] ?? 0) - count;
  });
  return { offset: now.offset, bucketCounts };
}

function difference(now: number | undefined, before: number | undefined): { sum?: number } {
  return now === undefined ? {} : { sum: now - (before ?? 0) };
}

/** Whether a point goes on from the state of another: a series that began anew counts from nothing. */
export function goesOn(point: DataPoint<Cumulated>, earlier: DataPoint<Cumulated>): boolean {
  const [seconds, nanoseconds] = point.startTime;
  return seconds === earlier.startTime[0] && nanoseconds === earlier.startTime[1];
}
