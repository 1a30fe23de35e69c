/** What of a piece is not finished: copied, because the bytes belong to whoever they are passed on to. */
export interface LineBuffer {
  /** Keeps these bytes behind those kept already. */
  keep(bytes: Uint8Array, from: number, to: number): void;
  /** What is kept, with these bytes behind it; empties the buffer. */
  take(bytes: Uint8Array, to: number): Uint8Array;
  length(): number;
}

export function createLineBuffer(): LineBuffer {
  let kept: Uint8Array = noBytes;
  let length = 0;
  return {
    keep(bytes, from, to) {
      const needed = length + to - from;
      if (needed > kept.length) {
        // Twice as much each time: a line that comes byte by byte is not copied as often as it has bytes.
        const larger = new Uint8Array(Math.max(needed, kept.length * 2));
        larger.set(kept.subarray(0, length));
        kept = larger;
      }
      kept.set(bytes.subarray(from, to), length);
      length = needed;
    },
    take(bytes, to) {
      const whole = new Uint8Array(length + to);
      whole.set(kept.subarray(0, length));
      whole.set(bytes.subarray(0, to), length);
      kept = noBytes;
      length = 0;
      return whole;
    },
    length: () => length,
  };
}

export const noBytes: Uint8Array = new Uint8Array(0);
