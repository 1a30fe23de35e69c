/**
 * The first bucket whose bound is not below the value. Halves what is left without a branch that depends on the value: a
 * wrongly guessed branch costs more than a comparison.
 */
export function bucketOf(bounds: Float64Array, value: number): number {
  let low = 0;
  let size = bounds.length;
  while (size > 1) {
    const half = size >> 1;
    low = bounds[low + half - 1]! < value ? low + half : low;
    size -= half;
  }
  return size === 1 && bounds[low]! < value ? low + 1 : low;
}
