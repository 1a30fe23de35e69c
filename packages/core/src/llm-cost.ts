import type { CoreState } from "./core-state.ts";
import type { LlmCall } from "./llm-call.ts";
import type { TokenCounts } from "./llm-tokens.ts";
import type { PriceBook, PricedCall } from "./price-book.ts";
import { pricedCall } from "./priced-call.ts";
import { reasonAgainst } from "./refusals.ts";
import type { CostStatus } from "./usage-event.ts";
import type { RunStatus } from "./vocabulary.ts";

/** What a call cost. Money is integer nano-USD; null means unknown, never zero. */
export interface CallCost {
  readonly nanoUsd: bigint | null;
  readonly status: CostStatus;
  readonly priceBook: string | null;
}

/** The provider's own figure goes first, then the price book. A call that used nothing has no price to find. */
export function costOf(
  state: CoreState,
  call: LlmCall,
  status: RunStatus,
  tokens: TokenCounts,
  occurredAt: Date,
): CallCost {
  const { costUsd } = call;
  if (typeof costUsd === "number" && costUsd >= 0 && costUsd <= largestUsd) {
    return { nanoUsd: BigInt(Math.round(costUsd * 1e9)), status: "provider", priceBook: null };
  }
  if (costUsd !== undefined && costUsd !== null) state.refuse("llm.cost", reasonAgainst(costUsd));
  if (tokens.input === null && tokens.output === null) {
    return { nanoUsd: null, status: status === "failed" ? "none" : "unpriced", priceBook: null };
  }

  const { priceBook } = state.settings();
  if (priceBook === null) return unpriced;
  const nanoUsd = askPriceBook(state, priceBook, pricedCall(call, tokens, occurredAt));
  if (nanoUsd === null) return unpriced;
  const estimated = call.usageSource === "estimated" || call.usageSource === "partial";
  return { nanoUsd, status: estimated ? "estimated" : "priced", priceBook: priceBook.name };
}

/** The book's price in nano-USD. What is none, or was thrown, is counted, and null. */
export function askPriceBook(state: CoreState, priceBook: PriceBook, call: PricedCall): bigint | null {
  try {
    const nanoUsd: unknown = priceBook.price(call);
    if (nanoUsd === null || (typeof nanoUsd === "bigint" && nanoUsd >= 0n)) return nanoUsd;
    throw new RangeError("a price must be a bigint of at least 0, or null");
  } catch (error) {
    state.refuse("llm.cost", "price_book_failed", error);
    return null;
  }
}

const unpriced: CallCost = { nanoUsd: null, status: "unpriced", priceBook: null };
/** Beyond nine million USD a nano-dollar is lost in a double; no call costs that. */
const largestUsd = Number.MAX_SAFE_INTEGER / 1e9;
