import type { TokensByModality } from "./llm-call.ts";

/** What a price depends on. Tokens follow the GenAI conventions: input includes cached, output includes reasoning. */
export interface PricedCall {
  readonly provider: string;
  readonly model: string;
  readonly responseModel?: string | undefined;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  /** Of those written to the cache: kept for an hour. */
  readonly cacheWriteHourTokens?: number | undefined;
  readonly reasoningTokens: number;
  readonly inputByModality?: TokensByModality | undefined;
  readonly cacheReadByModality?: TokensByModality | undefined;
  readonly outputByModality?: TokensByModality | undefined;
  readonly webSearches?: number | undefined;
  /** The service tier that served the call, as the provider reported it. */
  readonly serviceTier?: string | undefined;
  /** Asked of the clock only when it is read, unless it was told: a book that hands the call on hands on the object itself, or names this too. */
  readonly occurredAt: Date;
}

/** Prices model calls. */
export interface PriceBook {
  /** Name and version, kept with every priced call, for example `genai-prices@0.1.8`. */
  readonly name: string;
  /**
   * The call's cost in nano-USD, or null when no price is known: an unknown price is never zero. Called synchronously for
   * every call; what it throws is counted, and the call is unpriced.
   */
  price(call: PricedCall): bigint | null;
  /**
   * Gets ready what the first price needs, such as a table of prices, so that the first call does not wait for it. Called when a model call
   * is seen to begin, any number of times; returns at once and throws nothing.
   */
  prepare?(): void;
  /** Whether the book has a price for this model: such a name may be a label before the provider has answered to it. */
  knows?(model: Pick<PricedCall, "provider" | "model">): boolean;
}
