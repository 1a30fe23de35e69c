import type { CostAnswer } from "./answers.ts";

/** Money as JSON can tell it without losing any. */
export function costAnswer(nanoUsd: bigint): CostAnswer {
  return { costNanoUsd: nanoUsd.toString(), costUsd: usdText(nanoUsd) };
}

/** A meter's US dollars, which are a float: to the nearest nano-dollar. */
export function nanoUsdOfMeter(usd: number): bigint {
  return Number.isFinite(usd) ? BigInt(Math.round(usd * 1e9)) : 0n;
}

function usdText(nanoUsd: bigint): string {
  const digits = (nanoUsd < 0n ? -nanoUsd : nanoUsd).toString().padStart(10, "0");
  return `${nanoUsd < 0n ? "-" : ""}${digits.slice(0, -9)}.${digits.slice(-9)}`;
}
