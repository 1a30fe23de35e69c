import type { CoreState } from "./core-state.ts";
import type { LlmCall, LlmEnding, LlmTarget, LlmUsage } from "./llm-call.ts";
import { readFields } from "./reading.ts";

/** The target's fields, read once: what the caller does with its object later does not rename a call in progress. */
export function readTarget(state: CoreState, target: LlmTarget): LlmTarget {
  return readFields(state, "llm.requests", target, targetOf);
}

/** The ending's fields, read once. */
export function readEnding(state: CoreState, ending: LlmEnding): LlmEnding {
  return readFields(state, "llm tokens", ending, endingOf);
}

/** The call's fields, read once. Written out: spreading the other two costs more than all the rest of recording. */
export function readCall(state: CoreState, call: LlmCall): LlmCall {
  return readFields(state, "llm.requests", call, callOf);
}

/** The names of a call's fields. */
export const callFields: ReadonlySet<string> = new Set(Object.keys(callOf({ provider: "", model: "" })));

function targetOf({ provider, model, operation, modelLabel }: LlmTarget): LlmTarget {
  return { provider, model, operation, modelLabel };
}

function endingOf(ending: LlmEnding): LlmEnding {
  const { errorType, attempts, contextSize, queueDuration, modelLabel } = ending;
  // What is not given leaves what the start had told.
  return { ...usageOf(ending), errorType, attempts, contextSize, queueDuration, ...(modelLabel && { modelLabel }) };
}

function usageOf(usage: LlmUsage): LlmUsage {
  return {
    inputTokens: usage.inputTokens,
    outputTokens: usage.outputTokens,
    cacheReadTokens: usage.cacheReadTokens,
    cacheWriteTokens: usage.cacheWriteTokens,
    cacheWriteHourTokens: usage.cacheWriteHourTokens,
    reasoningTokens: usage.reasoningTokens,
    inputByModality: usage.inputByModality,
    cacheReadByModality: usage.cacheReadByModality,
    outputByModality: usage.outputByModality,
    webSearches: usage.webSearches,
    responseModel: usage.responseModel,
    serviceTier: usage.serviceTier,
    costUsd: usage.costUsd,
    usageSource: usage.usageSource,
  };
}

function callOf(call: LlmCall): LlmCall {
  return {
    provider: call.provider,
    model: call.model,
    operation: call.operation,
    modelLabel: call.modelLabel,
    inputTokens: call.inputTokens,
    outputTokens: call.outputTokens,
    cacheReadTokens: call.cacheReadTokens,
    cacheWriteTokens: call.cacheWriteTokens,
    cacheWriteHourTokens: call.cacheWriteHourTokens,
    reasoningTokens: call.reasoningTokens,
    inputByModality: call.inputByModality,
    cacheReadByModality: call.cacheReadByModality,
    outputByModality: call.outputByModality,
    webSearches: call.webSearches,
    responseModel: call.responseModel,
    serviceTier: call.serviceTier,
    costUsd: call.costUsd,
    usageSource: call.usageSource,
    duration: call.duration,
    timeToFirstChunk: call.timeToFirstChunk,
    timePerOutputChunk: call.timePerOutputChunk,
    queueDuration: call.queueDuration,
    contextSize: call.contextSize,
    status: call.status,
    errorType: call.errorType,
    attempts: call.attempts,
    eventId: call.eventId,
    occurredAt: call.occurredAt,
  };
}
