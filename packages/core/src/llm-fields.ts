import type { CoreState } from "./core-state.ts";
import type { LlmCall, LlmTarget, LlmUsage } from "./llm-call.ts";
import { readFields } from "./reading.ts";

/** The target's fields, read once: what the caller does with its object later does not rename a call in progress. */
export function readTarget(state: CoreState, target: LlmTarget): LlmTarget {
  return readFields(state, "llm.requests", target, targetOf);
}

/** The usage's fields, read once. */
export function readUsage(state: CoreState, usage: LlmUsage): LlmUsage {
  return readFields(state, "llm tokens", usage, usageOf);
}

/** The call's fields, read once. */
export function readCall(state: CoreState, call: LlmCall): LlmCall {
  return readFields(state, "llm.requests", call, (fields) => ({
    ...targetOf(fields),
    ...usageOf(fields),
    duration: fields.duration,
    timeToFirstChunk: fields.timeToFirstChunk,
    timePerOutputChunk: fields.timePerOutputChunk,
    queueDuration: fields.queueDuration,
    contextSize: fields.contextSize,
    status: fields.status,
    errorType: fields.errorType,
    attempts: fields.attempts,
    eventId: fields.eventId,
    occurredAt: fields.occurredAt,
  }));
}

function targetOf({ provider, model, operation }: LlmTarget): LlmTarget {
  return { provider, model, operation };
}

function usageOf(usage: LlmUsage): LlmUsage {
  return {
    inputTokens: usage.inputTokens,
    outputTokens: usage.outputTokens,
    cacheReadTokens: usage.cacheReadTokens,
    cacheWriteTokens: usage.cacheWriteTokens,
    reasoningTokens: usage.reasoningTokens,
    responseModel: usage.responseModel,
    serviceTier: usage.serviceTier,
    costUsd: usage.costUsd,
    usageSource: usage.usageSource,
  };
}
