import type { LlmCall, TokensByModality } from "./llm-call.ts";
import type { TokenCounts } from "./llm-tokens.ts";
import type { PricedCall } from "./price-book.ts";

/**
 * The question to the price book. When the call happened is not told, it is now, and that is asked of the clock only when the book
 * wants to know: it costs a quarter of all that recording a call costs.
 */
export function pricedCall(call: LlmCall, tokens: TokenCounts, occurredAt: Date | undefined): PricedCall {
  return occurredAt === undefined ? new CallNow(call, tokens) : new CallThen(call, tokens, occurredAt);
}

/** Classes, because a getter of a literal is made anew with each object. */
class CallFields {
  readonly provider: string;
  readonly model: string;
  readonly responseModel: string | undefined;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  readonly cacheWriteHourTokens: number | undefined;
  readonly reasoningTokens: number;
  readonly inputByModality: TokensByModality | undefined;
  readonly cacheReadByModality: TokensByModality | undefined;
  readonly outputByModality: TokensByModality | undefined;
  readonly webSearches: number | undefined;
  readonly serviceTier: string | undefined;

  constructor(call: LlmCall, tokens: TokenCounts) {
    this.provider = call.provider;
    this.model = call.model;
    this.responseModel = call.responseModel;
    this.inputTokens = tokens.input ?? 0;
    this.outputTokens = tokens.output ?? 0;
    this.cacheReadTokens = tokens.cacheRead ?? 0;
    this.cacheWriteTokens = tokens.cacheWrite ?? 0;
    this.cacheWriteHourTokens = call.cacheWriteHourTokens;
    this.reasoningTokens = tokens.reasoning ?? 0;
    this.inputByModality = call.inputByModality;
    this.cacheReadByModality = call.cacheReadByModality;
    this.outputByModality = call.outputByModality;
    this.webSearches = call.webSearches;
    this.serviceTier = call.serviceTier;
  }
}

class CallThen extends CallFields implements PricedCall {
  readonly occurredAt: Date;

  constructor(call: LlmCall, tokens: TokenCounts, occurredAt: Date) {
    super(call, tokens);
    this.occurredAt = occurredAt;
  }
}

class CallNow extends CallFields implements PricedCall {
  get occurredAt(): Date {
    return new Date();
  }
}
