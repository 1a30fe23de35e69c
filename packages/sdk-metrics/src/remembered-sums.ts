import type { Attributes } from "@opentelemetry/api";

/** What is known of an observed counter that has no slot of its own now. */
export interface RememberedSum {
  /** Its value when it was observed last. */
  readonly last: number;
  /** Its value where its own series began: what came before was counted in the overflow's. */
  readonly base: number;
  /** When its own series began, in milliseconds since 1970. */
  readonly started: number;
  /** The collection in which it was observed last. */
  readonly collection: number;
}

/**
 * Remembers counters that lost their slot, or never had one, by their attributes: only so does one that pauses not count again from zero when it
 * comes back. Beyond `most`, those that have paused longest are forgotten, never one that is observed now.
 */
export interface RememberedSums {
  take(text: string): RememberedSum | undefined;
  put(text: string, sum: RememberedSum): void;
  /** Forgets what is too much. */
  trim(collection: number): void;
}

export function createRememberedSums(most: number): RememberedSums {
  const sums = new Map<string, RememberedSum>();
  return {
    take(text) {
      const sum = sums.get(text);
      sums.delete(text);
      return sum;
    },
    put(text, sum) {
      // To the end: the first are those that have paused longest.
      sums.delete(text);
      sums.set(text, sum);
    },
    trim(collection) {
      for (const [text, sum] of sums) {
        if (sums.size <= most || sum.collection === collection) return;
        sums.delete(text);
      }
    },
  };
}

/** What was counted since, where the value is a counter's: one that fell began anew. */
export function growthOf(value: number, last: number): number {
  return value < last ? value : value - last;
}

/** Equal for equal attributes, whatever their order. */
export function textOf(attributes: Attributes): string {
  return JSON.stringify(Object.entries(attributes).toSorted(([one], [other]) => (one < other ? -1 : 1)));
}
