/**
 * How many places an array that has so many gets, to hold at least those wanted: it doubles while it is small, and grows by a
 * quarter where a half that lies empty would be megabytes.
 */
export function widerCapacity(capacity: number, wanted: number): number {
  let wider = Math.max(4, capacity);
  while (wider < wanted) wider = wider < 65_536 ? wider * 2 : Math.ceil(wider * 1.25);
  return wider;
}
