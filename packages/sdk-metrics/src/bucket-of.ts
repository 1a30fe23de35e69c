/** The bounds of a histogram's buckets, made ready for finding the bucket of a value. */
export interface Buckets {
  /** Inclusive upper bounds, ascending, and Infinity. */
  readonly bounds: Float64Array;
  /** For each power of two from the lowest: how many bounds lie below it. Empty where that is of no help. */
  readonly starts: Uint16Array;
  /** The exponent of the first of these, as the bits of a double tell it. */
  readonly lowest: number;
}

/** @param boundaries - finite and ascending */
export function createBuckets(boundaries: readonly number[]): Buckets {
  const bounds = Float64Array.of(...boundaries, Infinity);
  const positive = boundaries.filter((boundary) => boundary > 0);
  const none: Buckets = { bounds, starts: new Uint16Array(0), lowest: 0 };
  if (positive.length === 0 || boundaries[0]! < 0) return none;
  const lowest = exponentOf(positive[0]!);
  const highest = exponentOf(positive.at(-1)!) + 1;
  if (highest - lowest > mostPowers || highest > largestExponent) return none;
  const below = (exponent: number): number => boundaries.filter((boundary) => boundary < 2 ** (exponent - bias)).length;
  const starts = Uint16Array.from({ length: highest - lowest + 1 }, (_, at) => (at === 0 ? 0 : below(lowest + at)));
  const steps = starts.map((start, at) => (starts[at + 1] ?? boundaries.length) - start);
  return Math.max(...steps) > mostSteps ? none : { bounds, starts, lowest };
}

/** More powers of two than bounds of times, sizes and money span. */
const mostPowers = 256;
/** Beyond these, halving is faster. */
const mostSteps = 5;
const bias = 1023;
const largestExponent = 2046;

/**
 * The first bucket whose bound is not below the value. The exponent of the value leads to the bounds that are near it; values differ,
 * and each wrongly guessed branch of a search by halves costs as much as all of this.
 */
export function bucketOf({ bounds, starts, lowest }: Buckets, value: number): number {
  const last = starts.length - 1;
  if (last < 0) return byHalves(bounds, value);
  double[0] = value;
  // The sign is none here: a histogram that takes negative values has such bounds, or counts them in its first bucket.
  const at = (words[highWord]! >> 20) - lowest;
  let bucket = at <= 0 ? 0 : starts[at < last ? at : last]!;
  while (bounds[bucket]! < value) bucket++;
  return bucket;
}

/** Of bounds that follow each other closely. */
function byHalves(bounds: Float64Array, value: number): number {
  let low = 0;
  let size = bounds.length - 1;
  while (size > 1) {
    const half = size >> 1;
    low = bounds[low + half - 1]! < value ? low + half : low;
    size -= half;
  }
  return size === 1 && bounds[low]! < value ? low + 1 : low;
}

const double = new Float64Array(1);
const words = new Int32Array(double.buffer);
/** Where the sign and the exponent are. */
const highWord = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 1 : 0;

function exponentOf(value: number): number {
  double[0] = value;
  return words[highWord]! >> 20;
}
