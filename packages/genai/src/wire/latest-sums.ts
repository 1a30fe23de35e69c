/**
 * Some tell their usage in every event, as sums up to then. Parsing each would cost as much as the client's own work, so an event waits until one
 * comes that tells other counts than it: one that tells the same has told all that this did.
 */
export interface LatestSums {
  /** An event's JSON, and where in it the sums are. */
  put(event: string, from: number, to: number): void;
  /** Reads the event that waits, if any. */
  read(): void;
}

export function createLatestSums(readEvent: (event: string) => void): LatestSums {
  let waiting: string | undefined;
  let waitingFrom = 0;
  let waitingTo = 0;

  function read(): void {
    if (waiting === undefined) return;
    const event = waiting;
    waiting = undefined;
    readEvent(event);
  }

  return {
    put(event, from, to) {
      if (waiting !== undefined && !sameButForDigits(waiting, waitingFrom, waitingTo, event, from, to)) read();
      waiting = event;
      waitingFrom = from;
      waitingTo = to;
    },
    read,
  };
}

function sameButForDigits(
  one: string,
  oneFrom: number,
  oneTo: number,
  other: string,
  otherFrom: number,
  otherTo: number,
): boolean {
  let at = oneFrom;
  let atOther = otherFrom;
  while (at < oneTo && atOther < otherTo) {
    const code = one.charCodeAt(at);
    const otherCode = other.charCodeAt(atOther);
    if (isDigit(code) && isDigit(otherCode)) {
      do at += 1;
      while (isDigit(one.charCodeAt(at)));
      do atOther += 1;
      while (isDigit(other.charCodeAt(atOther)));
    } else if (code === otherCode) {
      at += 1;
      atOther += 1;
    } else {
      return false;
    }
  }
  return at >= oneTo && atOther >= otherTo;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}
