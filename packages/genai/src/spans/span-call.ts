import type { LlmCall } from "@meterbridge/core";
import type { Dialect } from "./dialect.ts";
import { providerName } from "./provider-name.ts";
import { spanEnding } from "./span-ending.ts";
import type { SpanLike, SpanView } from "./span-view.ts";

/** The model call that a finished span stands for. */
export function callOf(span: SpanLike, view: SpanView, dialect: Dialect): LlmCall {
  const { fields } = dialect;
  const { duration, status, errorType } = spanEnding(span, view);
  const isGivenUp = status === "completed" && dialect.isGivenUp?.(view) === true;
  const milliseconds = view.number(...fields.millisecondsToFirstChunk);
  return {
    ...targetOf(view, dialect),
    ...tokensOf(view, dialect),
    responseModel: view.text(...fields.responseModel),
    serviceTier: view.text(...fields.serviceTier),
    timeToFirstChunk: milliseconds === undefined ? view.number(...fields.timeToFirstChunk) : milliseconds / 1000,
    duration,
    status: isGivenUp ? "cancelled" : status,
    errorType,
  };
}

/** The call of a span that its caller has given up and that will never end. */
export function givenUpCall(view: SpanView, dialect: Dialect): LlmCall {
  return { ...targetOf(view, dialect), status: "cancelled" };
}

function targetOf(view: SpanView, dialect: Dialect): Pick<LlmCall, "provider" | "model" | "operation"> {
  const { provider, model } = dialect.fields;
  return {
    provider: providerName(view.text(...provider) ?? "unknown"),
    model: view.text(...model) ?? "unknown",
    operation: dialect.operationOf(view),
  };
}

type Tokens = Pick<
  LlmCall,
  "inputTokens" | "outputTokens" | "cacheReadTokens" | "cacheWriteTokens" | "reasoningTokens"
>;

function tokensOf(view: SpanView, dialect: Dialect): Tokens {
  const { fields } = dialect;
  const inputTokens = view.number(...fields.inputTokens);
  const outputTokens = view.number(...fields.outputTokens);
  const cacheReadTokens = view.number(...fields.cacheReadTokens);
  const cacheWriteTokens = view.number(...fields.cacheWriteTokens);
  const cached = (cacheReadTokens ?? 0) + (cacheWriteTokens ?? 0);
  const total = view.number(...fields.totalTokens);
  return {
    inputTokens:
      inputTokens !== undefined && isBeside({ inputTokens, outputTokens: outputTokens ?? 0, cached, total })
        ? inputTokens + cached
        : inputTokens,
    outputTokens,
    cacheReadTokens,
    cacheWriteTokens,
    reasoningTokens: view.number(...fields.reasoningTokens),
  };

  function isBeside(told: { inputTokens: number; outputTokens: number; cached: number; total: number | undefined }) {
    if (told.cached === 0) return false;
    // No part is larger than the whole; and a total that has them on top says so as well.
    if (told.cached > told.inputTokens) return true;
    if (told.total === told.inputTokens + told.outputTokens + told.cached) return true;
    return dialect.cachedBeside(view);
  }
}
