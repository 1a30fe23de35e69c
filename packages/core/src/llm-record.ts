import { createStrayCheck } from "./attribute-reading.ts";
import type { CoreState } from "./core-state.ts";
import { guarded } from "./guard.ts";
import type { LlmCall } from "./llm-call.ts";
import { costOf } from "./llm-cost.ts";
import { occurrenceOf, writeCallEvent } from "./llm-event.ts";
import { callFields, readCall } from "./llm-fields.ts";
import { createLlmMeters } from "./llm-meters.ts";
import type { MeasuredCall } from "./llm-paths.ts";
import { tokenCounts } from "./llm-tokens.ts";
import type { RefusalReason } from "./vocabulary.ts";

export interface CallRecorder {
  /** Records a finished call in every meter of the area, prices it, and makes one usage event. */
  record(call: LlmCall): void;
  /** Records seconds between chunks of a call that has not ended. */
  recordChunks(call: LlmCall, secondsBetween: readonly number[]): void;
}

export function createCallRecorder(state: CoreState): CallRecorder {
  const meters = createLlmMeters(state);
  const strays = createStrayCheck(state, "llm.record", callFields);
  const refuse = (reason: RefusalReason): void => state.refuse("llm tokens", reason);

  function recordCall(given: LlmCall): void {
    // Without anybody to record for, not even a price is looked up.
    if (!state.binding.isBound() && !state.sinks.any()) return;
    strays(given);
    if (!state.sinks.any() && meters.recordQuickly(given)) return;
    const call = readCall(state, given);
    const status = call.status ?? (call.errorType === undefined ? "completed" : "failed");
    const tokens = tokenCounts(call, refuse);
    const occurredAt = occurrenceOf(state, call.occurredAt);
    const cost = costOf(state, call, status, tokens, occurredAt);
    const operation = call.operation ?? "chat";
    const measured: MeasuredCall = { call, operation, status, errorType: call.errorType, tokens, cost, occurredAt };
    meters.record(measured);
    writeCallEvent(state, measured);
  }

  return {
    record: guarded(state, "llm.requests", undefined, recordCall),
    recordChunks: guarded(state, "llm.requests", undefined, (call: LlmCall, secondsBetween: readonly number[]) =>
      meters.recordChunks(call, secondsBetween),
    ),
  };
}
