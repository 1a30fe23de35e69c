/** Nano-USD as the decimal text of US dollars with nine digits, exact: 1_687_500_000n is `1.687500000`. */
export function usdText(nanoUsd: bigint): string {
  const digits = (nanoUsd < 0n ? -nanoUsd : nanoUsd).toString().padStart(10, "0");
  return `${nanoUsd < 0n ? "-" : ""}${digits.slice(0, -9)}.${digits.slice(-9)}`;
}

/**
 * The other way round: a decimal text of US dollars, also with an exponent, as nano-USD. What is finer than a nano-dollar is
 * rounded, a half away from zero. Undefined for what is no such text. `unitsPerUsd` is 100 where the text tells cents.
 */
export function nanoUsdOf(text: string, unitsPerUsd: 1 | 100 = 1): bigint | undefined {
  const [, sign, whole = "", fraction = "", exponent = "0"] = decimal.exec(text) ?? [];
  if (sign === undefined || whole + fraction === "") return undefined;
  const shift = 9 - fraction.length + Number(exponent) - (unitsPerUsd === 100 ? 2 : 0);
  const digits = BigInt(whole + fraction);
  const nanoUsd = shift >= 0 ? digits * 10n ** BigInt(shift) : rounded(digits, 10n ** BigInt(-shift));
  return sign === "-" ? -nanoUsd : nanoUsd;
}

/** Short enough that no text makes a number of a million digits. */
const decimal = /^([+-]?)(\d{0,40})(?:\.(\d{0,60}))?(?:e([+-]?\d{1,2}))?$/i;

function rounded(digits: bigint, divisor: bigint): bigint {
  return (digits * 2n + divisor) / (divisor * 2n);
}
