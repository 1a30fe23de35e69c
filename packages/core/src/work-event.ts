import type { CoreState } from "./core-state.ts";
import { shortText } from "./label-value.ts";
import type { Ending } from "./run.ts";
import type { UsageEvent } from "./usage-event.ts";
import { uuidV7 } from "./uuid-v7.ts";

/** The parts of an event that the active attribution gives. */
export function attributedTo(
  state: CoreState,
): Pick<UsageEvent, "tenant" | "employee" | "project" | "process" | "execution" | "user"> {
  const { tenant, employee, project, process, execution, user } = state.attribution.current();
  return {
    tenant: tenant ?? null,
    employee: employee ?? null,
    project: project ?? null,
    process: process ?? null,
    execution: execution ?? null,
    user: user ?? null,
  };
}

/** Writes the usage event of a finished task or tool call, if anybody listens. */
export function writeWorkEvent(state: CoreState, kind: "task" | "tool_call", name: unknown, ending: Ending): void {
  if (!state.sinks.any()) return;
  const occurredAt = new Date();
  state.sinks.write({
    eventId: uuidV7(occurredAt.getTime()),
    occurredAt,
    kind,
    ...attributedTo(state),
    provider: null,
    model: null,
    responseModel: null,
    serviceTier: null,
    name: shortText(name),
    inputTokens: null,
    outputTokens: null,
    cacheReadTokens: null,
    cacheWriteTokens: null,
    reasoningTokens: null,
    costNanoUsd: null,
    costStatus: "none",
    priceBook: null,
    inferenceMs: milliseconds(ending.seconds),
    queueMs: null,
    isSuccess: ending.status === "completed",
    errorType: shortText(ending.errorType),
    usageSource: "none",
    attempts: 1,
  });
}

/** Seconds as milliseconds; null for what is no duration. */
export function milliseconds(seconds: number | undefined): number | null {
  return typeof seconds === "number" && Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : null;
}
