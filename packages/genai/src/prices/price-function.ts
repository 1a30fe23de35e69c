import type { PricedCall } from "@meterbridge/core";
import { unitsAt } from "./exact-decimal.ts";
import { type RateBand, type RateCard, type TierFactor, type TokenKind, tokenKinds } from "./rate-card.ts";
import { count, tokenSplitter } from "./split-tokens.ts";

/** What was used and has no rate. */
export type MissingRate = TokenKind | "webSearches" | "longContext";

/**
 * The call's cost in nano-USD, or what of it the card has no rate for: then no part of it is priced.
 *
 * @throws RangeError for usage that cannot be.
 */
export type PriceFunction = (call: PricedCall) => bigint | MissingRate;

/**
 * Makes the function that prices calls by a card. Exact: sums of whole numbers, rounded once, half a nano-dollar up. All that depends on
 * the card alone is done here, so that pricing a call takes a fraction of a microsecond.
 */
export function priceFunction(card: RateCard, factor: TierFactor): PriceFunction {
  const bands = card.bands.map(({ above, tokens }, index) => ({
    above,
    price: index > 0 && factor.isShortContextOnly === true ? longContext : bandFunction(card, tokens, factor),
  }));
  const [first, ...longer] = bands;
  if (first === undefined) throw new Error("a card of rates has at least one band");
  if (longer.length === 0) return first.price;
  return (call) => {
    let reached = first;
    for (const band of longer) if (call.inputTokens > band.above) reached = band;
    return reached.price(call);
  };
}

function longContext(): MissingRate {
  return "longContext";
}

function bandFunction(card: RateCard, rates: RateBand["tokens"], factor: TierFactor): PriceFunction {
  const { perRequest, perWebSearch } = card;
  const digits = Math.max(3, ...[...Object.values(rates), perRequest, perWebSearch].map((rate) => rate?.digits ?? 0));
  // A token's rate is per million, a call's per one. In units of 10^-(digits + 6) USD, a denominator's part of each.
  const [numerator, denominator] = [BigInt(factor.numerator), BigInt(factor.denominator)];
  const exact = tokenKinds.map((kind) => {
    const rate = rateOf(rates, kind);
    if (rate === undefined) return undefined;
    const isLeft = factor.leavesCacheReads === true && kind.startsWith("cacheRead") && rate !== rates.input;
    return unitsAt(rate, digits) * (isLeft ? denominator : numerator);
  });
  const perCall = [perWebSearch, perRequest].map((rate) =>
    rate === undefined ? undefined : unitsAt(rate, digits + 6) * denominator,
  );
  const all = [...exact, ...perCall];
  const close = all.map((rate) => (rate === undefined ? undefined : Number(rate)));
  const divisor = 10n ** BigInt(digits - 3) * denominator;
  const split = tokenSplitter(rates);

  return (call) => {
    const amounts = split(call);
    amounts.push(count(call.webSearches ?? 0, "webSearches"), perRequest === undefined ? 0 : 1);
    let total = 0;
    for (let index = 0; index < amounts.length; index++) {
      const amount = amounts[index] ?? 0;
      if (amount === 0) continue;
      const rate = close[index];
      if (rate === undefined) return missing[index] ?? "input";
      total += amount * rate;
    }
    // Below this every product and every sum before was exact.
    if (total <= mostExact) return BigInt(rounded(total, Number(divisor)));
    return roundedExactly(
      amounts.reduce((sum, amount, index) => sum + BigInt(amount) * (all[index] ?? 0n), 0n),
      divisor,
    );
  };
}

/** The rate of a kind, or of what it is part of. Writing for an hour has none but its own. */
function rateOf(rates: RateBand["tokens"], kind: TokenKind): RateBand["tokens"][TokenKind] {
  if (kind.startsWith("cacheRead")) return rates[kind] ?? rates.cacheRead ?? rates.input;
  if (kind === "cacheWriteHour") return rates.cacheWriteHour;
  return rates[kind] ?? (kind === "reasoning" || kind.startsWith("output") ? rates.output : rates.input);
}

const missing: readonly MissingRate[] = [...tokenKinds, "webSearches"];
const mostExact = Number.MAX_SAFE_INTEGER;

function rounded(total: number, divisor: number): number {
  const rest = total % divisor;
  const whole = (total - rest) / divisor;
  return rest * 2 >= divisor ? whole + 1 : whole;
}

function roundedExactly(total: bigint, divisor: bigint): bigint {
  return (total * 2n + divisor) / (divisor * 2n);
}
