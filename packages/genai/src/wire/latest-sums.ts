import { textOf } from "./event-lines.ts";

/**
 * Some tell their usage in every event, as sums up to then. Parsing each would cost as much as the client's own work, so an event waits until one
 * comes that tells other counts than it: one that tells the same has told all that this did.
 */
export interface LatestSums {
  /** An event from `from` to `to`, and where in the same bytes its sums are. They are copied. */
  put(bytes: Uint8Array, from: number, to: number, sumsFrom: number, sumsTo: number): void;
  /** Reads the event that waits, if any. */
  read(): void;
}

export function createLatestSums(readEvent: (event: string) => void): LatestSums {
  let waiting: Uint8Array = new Uint8Array(0);
  let length = 0;
  let waitingFrom = 0;
  let waitingTo = 0;

  function read(): void {
    if (length === 0) return;
    const event = textOf(waiting, 0, length);
    length = 0;
    readEvent(event);
  }

  return {
    put(bytes, from, to, sumsFrom, sumsTo) {
      if (length > 0 && !sameButForDigits(waiting, waitingFrom, waitingTo, bytes, sumsFrom, sumsTo)) read();
      length = to - from;
      if (length > waiting.length) waiting = new Uint8Array(length * 2);
      waiting.set(bytes.subarray(from, to));
      waitingFrom = sumsFrom - from;
      waitingTo = sumsTo - from;
    },
    read,
  };
}

function sameButForDigits(
  one: Uint8Array,
  oneFrom: number,
  oneTo: number,
  other: Uint8Array,
  otherFrom: number,
  otherTo: number,
): boolean {
  let at = oneFrom;
  let atOther = otherFrom;
  while (at < oneTo && atOther < otherTo) {
    const byte = one[at] as number;
    const otherByte = other[atOther] as number;
    if (byte === otherByte) {
      at += 1;
      atOther += 1;
      continue;
    }
    // Numbers differ in a digit, or in how many of them they have.
    if (!isDigit(byte) && !isDigit(otherByte)) return false;
    if (!isDigit(byte) && !isDigit(one[at - 1])) return false;
    if (!isDigit(otherByte) && !isDigit(other[atOther - 1])) return false;
    while (isDigit(one[at])) at += 1;
    while (isDigit(other[atOther])) atOther += 1;
  }
  return at >= oneTo && atOther >= otherTo;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 48 && byte <= 57;
}
