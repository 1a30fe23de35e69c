/** The finest scale there is, and the one an empty histogram has. */
export const finestScale = 20;

/**
 * The bucket of a positive value: bucket `i` of scale `s` holds what is above `base^i` and at most `base^(i+1)`, where
 * base = 2^(2^-s) (specification, metrics data model, "ExponentialHistogram"). Exact powers of two are found by their bits;
 * values between them by a logarithm, the way the official SDK does.
 */
export function bucketIndex(value: number, scale: number): number {
  const exponent = exponentOf(value);
  const isPower = isPowerOfTwo(value);
  if (scale <= 0) {
    // What is below the smallest normal double counts as just below it.
    const power = value < smallestNormal ? smallestExponent - 1 : exponent + (isPower ? -1 : 0);
    return power >> -scale;
  }
  if (value <= smallestNormal) return (smallestExponent << scale) - 1;
  if (isPower) return (exponent << scale) - 1;
  const highest = ((largestExponent + 1) << scale) - 1;
  return Math.min(Math.floor(Math.log(value) * Math.LOG2E * 2 ** scale), highest);
}

const smallestExponent = -1022;
const largestExponent = 1023;
const smallestNormal = 2 ** smallestExponent;

const float = new Float64Array(1);
const words = new Uint32Array(float.buffer);
// Which of the two words holds the exponent depends on the machine.
float[0] = 1;
const high = words[1] === 0 ? 0 : 1;

function exponentOf(value: number): number {
  float[0] = value;
  return ((words[high]! & 0x7ff0_0000) >>> 20) - 1023;
}

function isPowerOfTwo(value: number): boolean {
  float[0] = value;
  return (words[high]! & 0x000f_ffff) === 0 && words[1 - high] === 0;
}
