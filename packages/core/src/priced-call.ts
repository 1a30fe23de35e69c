import type { LlmCall } from "./llm-call.ts";
import type { TokenCounts } from "./llm-tokens.ts";
import type { PricedCall } from "./price-book.ts";

/** The question to the price book. */
export function pricedCall(call: LlmCall, tokens: TokenCounts, occurredAt: Date): PricedCall {
  return {
    provider: call.provider,
    model: call.model,
    responseModel: call.responseModel,
    inputTokens: tokens.input ?? 0,
    outputTokens: tokens.output ?? 0,
    cacheReadTokens: tokens.cacheRead ?? 0,
    cacheWriteTokens: tokens.cacheWrite ?? 0,
    cacheWriteHourTokens: call.cacheWriteHourTokens,
    reasoningTokens: tokens.reasoning ?? 0,
    inputByModality: call.inputByModality,
    cacheReadByModality: call.cacheReadByModality,
    outputByModality: call.outputByModality,
    webSearches: call.webSearches,
    serviceTier: call.serviceTier,
    occurredAt,
  };
}

/**
 * The same of a call that has just happened, to be filled in. The clock is asked only when the book wants to know: that costs a quarter
 * of all that recording a call costs. A class, because a getter of a literal would be made anew with each object.
 */
export class CallNow implements PricedCall {
  provider = "";
  model = "";
  responseModel: string | undefined = undefined;
  inputTokens = 0;
  outputTokens = 0;
  cacheReadTokens = 0;
  cacheWriteTokens = 0;
  cacheWriteHourTokens: number | undefined = undefined;
  reasoningTokens = 0;
  webSearches: number | undefined = undefined;
  serviceTier: string | undefined = undefined;

  get occurredAt(): Date {
    return new Date();
  }
}
