import type { ExponentialHistogram } from "@opentelemetry/sdk-metrics";

type Buckets = ExponentialHistogram["positive"];

/** Adds two exponential histograms, at the coarser of their scales: exactly, since each of its buckets holds whole ones of the finer. */
export function addExponential(left: ExponentialHistogram, right: ExponentialHistogram): ExponentialHistogram {
  const scale = Math.min(left.scale, right.scale);
  const sum = left.sum === undefined || right.sum === undefined ? undefined : left.sum + right.sum;
  return {
    ...left,
    scale,
    count: left.count + right.count,
    ...(sum === undefined ? { sum: undefined } : { sum }),
    zeroCount: left.zeroCount + right.zeroCount,
    positive: addBuckets(coarser(left.positive, left.scale - scale), coarser(right.positive, right.scale - scale)),
    negative: addBuckets(coarser(left.negative, left.scale - scale), coarser(right.negative, right.scale - scale)),
  } as ExponentialHistogram;
}

/** The same buckets at a scale that is so much coarser: bucket `i` goes into `floor(i / 2^steps)`. */
export function coarser({ offset, bucketCounts }: Buckets, steps: number): Buckets {
  const factor = 2 ** Math.max(steps, 0);
  const start = Math.floor(offset / factor);
  const counts: number[] = [];
  bucketCounts.forEach((count, place) => {
    const target = Math.floor((offset + place) / factor) - start;
    while (counts.length <= target) counts.push(0);
    counts[target]! += count;
  });
  return { offset: start, bucketCounts: counts };
}

function addBuckets(left: Buckets, right: Buckets): Buckets {
  if (left.bucketCounts.length === 0) return right;
  if (right.bucketCounts.length === 0) return left;
  const offset = Math.min(left.offset, right.offset);
  const end = Math.max(left.offset + left.bucketCounts.length, right.offset + right.bucketCounts.length);
  const bucketCounts = Array.from({ length: end - offset }, () => 0);
  for (const each of [left, right]) {
    each.bucketCounts.forEach((count, place) => (bucketCounts[each.offset + place - offset]! += count));
  }
  return { offset, bucketCounts };
}
