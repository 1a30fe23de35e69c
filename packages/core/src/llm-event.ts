import type { CoreState } from "./core-state.ts";
import { shortText } from "./label-value.ts";
import type { MeasuredCall } from "./llm-paths.ts";
import { usageSources, type UsageSource } from "./usage-event.ts";
import { uuidV7 } from "./uuid-v7.ts";
import { attributedTo, milliseconds } from "./work-event.ts";

/** Writes the usage event of a finished model call, if anybody listens. What a ledger could not keep is put right first. */
export function writeCallEvent(state: CoreState, measured: MeasuredCall): void {
  if (!state.sinks.any()) return;
  const { call, status, errorType, tokens, cost, occurredAt } = measured;
  state.sinks.write({
    eventId: usable(state, call.eventId, isId) ?? uuidV7(occurredAt.getTime()),
    occurredAt,
    kind: "llm_call",
    ...attributedTo(state),
    provider: shortText(call.provider),
    model: shortText(call.model),
    responseModel: shortText(call.responseModel),
    serviceTier: shortText(call.serviceTier),
    name: null,
    inputTokens: tokens.input,
    outputTokens: tokens.output,
    cacheReadTokens: tokens.cacheRead,
    cacheWriteTokens: tokens.cacheWrite,
    reasoningTokens: tokens.reasoning,
    costNanoUsd: cost.nanoUsd,
    costStatus: cost.status,
    priceBook: cost.priceBook,
    inferenceMs: milliseconds(call.duration),
    queueMs: milliseconds(call.queueDuration),
    isSuccess: status === "completed",
    errorType: shortText(errorType),
    usageSource: usable(state, call.usageSource, isUsageSource) ?? (isKnown(measured) ? "provider" : "none"),
    attempts: usable(state, call.attempts, isAttempts) ?? 1,
  });
}

/** When the call happened: as given, where that is a date, else now. */
export function occurrenceOf(state: CoreState, occurredAt: unknown): Date {
  return usable(state, occurredAt, isDate) ?? new Date();
}

function usable<Value>(
  state: CoreState,
  value: unknown,
  accepts: (value: unknown) => value is Value,
): Value | undefined {
  if (value === undefined || value === null) return undefined;
  if (accepts(value)) return value;
  state.refuse("llm.requests", "field_unusable");
  return undefined;
}

function isKnown({ tokens }: MeasuredCall): boolean {
  return tokens.input !== null || tokens.output !== null;
}

function isId(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= 255 && value.isWellFormed();
}

function isUsageSource(value: unknown): value is UsageSource {
  return (usageSources as readonly unknown[]).includes(value);
}

function isAttempts(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

/** Not by `instanceof`: a date of another realm, such as a test runner's, is one too. */
function isDate(value: unknown): value is Date {
  try {
    return Object.prototype.toString.call(value) === "[object Date]" && Number.isFinite(Number(value));
  } catch {
    return false;
  }
}
