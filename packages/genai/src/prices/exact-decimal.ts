/** A decimal number, exactly: `units` × 10^-`digits`. */
export interface Decimal {
  readonly units: bigint;
  readonly digits: number;
}

/** As written: `"1.25"`, `"0.003625"`, `"3e-7"`. Undefined for what is no decimal number of at least 0, or has more than 12 digits after the point. */
export function decimalOf(text: string): Decimal | undefined {
  const match = /^(\d{1,15})(?:\.(\d{1,20}))?(?:e([+-]?\d{1,2}))?$/i.exec(text.trim());
  if (match === null) return undefined;
  const [, whole = "", fraction = "", exponent = "0"] = match;
  const digits = fraction.length - Number(exponent);
  const units = BigInt(whole + fraction);
  return simplified(digits < 0 ? { units: units * 10n ** BigInt(-digits), digits: 0 } : { units, digits });
}

/**
 * The decimal that a price list's number stands for. What is beyond twelve digits after the point comes of the list's own arithmetic
 * (0.18000000000000002, 0.08333333333333334).
 */
export function decimalOfListed(price: number): Decimal {
  const decimal = decimalOf(price.toFixed(12));
  if (decimal === undefined) throw new RangeError(`${price} is no price`);
  return decimal;
}

/** As an integer of 10^-`digits`. */
export function unitsAt({ units, digits: own }: Decimal, digits: number): bigint {
  return units * 10n ** BigInt(digits - own);
}

function simplified({ units, digits }: Decimal): Decimal | undefined {
  let [short, left] = [units, digits];
  while (left > 0 && short % 10n === 0n) {
    short /= 10n;
    left -= 1;
  }
  return left > mostDigits ? undefined : { units: short, digits: left };
}

const mostDigits = 12;
