import { context, type Context } from "@opentelemetry/api";
import { llm, mayCountCall, openCallDoor, type LlmEnding, type LlmTarget, type RunStatus } from "@meterbridge/core";
import { markCounted } from "../spans/span-notes.ts";
import { answeredLabel } from "./answered-label.ts";

/** A model call that an adapter sees. It ends once; what is told after that changes nothing. */
export interface AdapterCall {
  /** The context to run the call in. */
  readonly active: Context;
  /** A call was counted beneath, such as by the capture of `fetch`: there is nothing left to observe. */
  isCountedBeneath(): boolean;
  /** A chunk of a streamed answer has come. */
  chunk(): void;
  complete(ending?: LlmEnding | null): void;
  fail(error: unknown, ending?: LlmEnding | null): void;
  cancel(ending?: LlmEnding | null): void;
}

/** Begins a call in this context. It is not counted where one beneath counts it, or one above keeps it to itself. */
export function beginAdapterCall(target: LlmTarget, within: Context = context.active()): AdapterCall {
  // Spans of frameworks above that stand for the same call leave it to this, or to what this leaves it to.
  markCounted(within, target.model);
  const run = llm.start(target, { within });
  const door = openCallDoor(false, run.active);
  let isOpen = true;

  function end(status: RunStatus, ending: LlmEnding | null | undefined, error?: unknown): void {
    if (!isOpen) return;
    isOpen = false;
    if (door.countedBeneath() || !mayCountCall(within)) return run.discard(status === "failed" ? error : undefined);
    door.close();
    const told = { ...ending, modelLabel: answeredLabel({ ...target, status }) };
    if (status === "completed") run.complete(told);
    else if (status === "cancelled" || isAbort(error)) run.cancel(told);
    else run.fail(error, told);
  }

  return {
    active: door.active,
    isCountedBeneath: () => door.countedBeneath(),
    chunk: () => run.chunk(),
    complete: (ending) => end("completed", ending),
    fail: (error, ending) => end("failed", ending, error),
    cancel: (ending) => end("cancelled", ending),
  };
}

/** The caller gave up, which is no failure of the model. */
function isAbort(error: unknown): boolean {
  try {
    const name = (error as { name?: unknown } | null | undefined)?.name;
    return name === "AbortError" || name === "APIUserAbortError" || name === "ResponseAborted";
  } catch {
    return false;
  }
}
