import type { CoreState } from "./core-state.ts";
import type { LlmCall, TokensByModality } from "./llm-call.ts";
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
  const asked = pricedCall(call, tokens, occurredAt);
  const nanoUsd = askPriceBook(state, priceBook, asked);
  if (nanoUsd === null) return unpriced;
  const estimated = call.usageSource === "estimated" || call.usageSource === "partial";
  const name = isByDetails(priceBook, asked, nanoUsd) ? `${priceBook.name}${detailsMark}` : priceBook.name;
  return { nanoUsd, status: estimated ? "estimated" : "priced", priceBook: name };
}

/**
 * At the end of the book's name where the price counts what no usage event tells: tokens by modality, a cache kept for an hour, searches. Who
 * prices such a call anew by its event would price it wrongly.
 */
const detailsMark = "+details";

function isByDetails(priceBook: PriceBook, call: PricedCall, nanoUsd: bigint): boolean {
  const { inputByModality, cacheReadByModality, outputByModality } = call;
  const mayBe =
    Boolean(call.cacheWriteHourTokens) ||
    Boolean(call.webSearches) ||
    [inputByModality, cacheReadByModality, outputByModality].some(isBeyondText);
  if (!mayBe) return false;
  const { provider, model, responseModel, serviceTier, occurredAt } = call;
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, reasoningTokens } = call;
  const tokens = { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, reasoningTokens };
  try {
    return priceBook.price({ provider, model, responseModel, serviceTier, occurredAt, ...tokens }) !== nanoUsd;
  } catch {
    return true;
  }
}

function isBeyondText(tokens: TokensByModality | null | undefined): boolean {
  return Boolean(tokens?.audio) || Boolean(tokens?.image) || Boolean(tokens?.video);
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
