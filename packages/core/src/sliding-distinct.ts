import { createDistinctCount, type DistinctCount } from "./distinct-count.ts";

/** Distinct texts over the last `slices × sliceSeconds` seconds, in slices that are dropped as they grow old. */
export interface SlidingDistinct {
  add(text: string, now: number): void;
  /** The distinct count of the window that ends now, exact to one slice. */
  count(now: number): number;
  /** The window as one counter, for merging. */
  merged(now: number): DistinctCount;
}

export function createSlidingDistinct(slices: number, sliceSeconds: number): SlidingDistinct {
  const ring = Array.from({ length: slices }, () => ({ number: -1, distinct: createDistinctCount() }));
  const sliceOf = (now: number): number => Math.floor(now / (sliceSeconds * 1000));

  function merged(now: number): DistinctCount {
    const newest = sliceOf(now);
    const union = createDistinctCount();
    for (const { number, distinct } of ring) {
      // A slice ahead of the clock was written before the clock was set back: still recent.
      if (number > newest - slices) union.merge(distinct);
    }
    return union;
  }

  return {
    add(text, now) {
      const number = sliceOf(now);
      const slice = ring[number % slices]!;
      if (slice.number !== number) {
        slice.number = number;
        slice.distinct.clear();
      }
      slice.distinct.add(text);
    },
    merged,
    count: (now) => merged(now).count(),
  };
}
