/**
 * A sum of finite values can pass the largest number there is. It stays there from its next reading on, and is told: infinite, it would
 * be refused by backends, and never come back.
 */
export function settledSum(rows: Float64Array, at: number, tooLarge: () => void): number {
  const sum = rows[at]!;
  if (Number.isFinite(sum)) return sum;
  tooLarge();
  return (rows[at] = sum > 0 ? Number.MAX_VALUE : -Number.MAX_VALUE);
}

/** Adds a sum to another. */
export function foldSum(from: Float64Array, fromAt: number, to: Float64Array, toAt: number): void {
  const sum = to[toAt]! + from[fromAt]!;
  // One of each infinity.
  to[toAt] = Number.isNaN(sum) ? 0 : sum;
}
