import type { ExponentialHistogram } from "@opentelemetry/sdk-metrics";
import { coarser } from "./exponential-sum.ts";

/** An exponential histogram as a native histogram of Prometheus has it. */
export interface NativeHistogram {
  /** From -4 to 8; each power of two is divided into 2^schema buckets. */
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  readonly positive: NativeBuckets;
  readonly negative: NativeBuckets;
}

export interface NativeBuckets {
  /** Runs of buckets: the gap to the run before (for the first, where it begins), and how many there are. */
  readonly spans: readonly { readonly offset: number; readonly length: number }[];
  /** Each bucket's count less the one before. */
  readonly deltas: readonly number[];
}

/**
 * The same buckets, with the indices of Prometheus: its bucket `i` ends where OpenTelemetry's bucket `i - 1` ends. A finer scale than
 * Prometheus has is made coarser, exactly. Undefined for a coarser one: Prometheus has nothing like it.
 *
 * Source: OpenTelemetry specification, Prometheus and OpenMetrics compatibility, "Exponential Histograms".
 */
export function nativeHistogram(histogram: ExponentialHistogram): NativeHistogram | undefined {
  if (histogram.scale < coarsest) return undefined;
  const schema = Math.min(histogram.scale, finest);
  const steps = histogram.scale - schema;
  return {
    schema,
    // Ours hold nothing but zeros themselves there; Prometheus knows the width of the zero bucket by this.
    zeroThreshold: Math.max(0, (histogram as { zeroThreshold?: number }).zeroThreshold ?? 0),
    zeroCount: histogram.zeroCount,
    positive: nativeBuckets(coarser(histogram.positive, steps)),
    negative: nativeBuckets(coarser(histogram.negative, steps)),
  };
}

const coarsest = -4;
const finest = 8;

/** Gaps of up to two empty buckets are written out: a span of its own takes more. */
const shortGap = 2;

function nativeBuckets({ offset, bucketCounts }: ExponentialHistogram["positive"]): NativeBuckets {
  const spans: { offset: number; length: number }[] = [];
  const deltas: number[] = [];
  let previous = 0;
  let end: number | undefined;
  const put = (count: number): void => {
    deltas.push(count - previous);
    previous = count;
  };
  bucketCounts.forEach((count, place) => {
    if (count === 0) return;
    const index = offset + place + 1;
    const span = spans.at(-1);
    if (span === undefined || end === undefined || index - end > shortGap) {
      spans.push({ offset: end === undefined ? index : index - end, length: 1 });
    } else {
      for (let gap = end; gap < index; gap++) put(0);
      span.length += index - end + 1;
    }
    put(count);
    end = index + 1;
  });
  return { spans, deltas };
}
