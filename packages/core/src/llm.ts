import { context, INVALID_SPAN_CONTEXT, trace, type Context } from "@opentelemetry/api";
import { mayCountCall, openCallDoor } from "./call-doors.ts";
import type { CoreState } from "./core-state.ts";
import { createTwiceCheck } from "./counted-twice.ts";
import { errorTypeOf } from "./error-type.ts";
import { guarded } from "./guard.ts";
import type { LlmCall, LlmTarget, LlmUsage } from "./llm-call.ts";
import { readTarget } from "./llm-fields.ts";
import { createCallRecorder } from "./llm-record.ts";
import { noLlmRun, startLlmRun, startLlmSpan, type LlmRun, type LlmStart } from "./llm-run.ts";
import { followStream } from "./llm-stream.ts";
import { usageOf } from "./llm-usage.ts";
import { isAbort } from "./run.ts";
import { isObject } from "./usage-fields.ts";
import { isWithResponse } from "./watch-stream.ts";

export interface LlmRecorder {
  /** Records a finished call in every meter of the area, prices it, and makes one usage event. */
  record(call: LlmCall): void;
  /** Starts a call, and its span where traces are on. End it with what it used. */
  start(target: LlmTarget, begun?: LlmStart): LlmRun;
  /**
   * Runs `work`, one model call, and records it: duration, usage (of the results of all known clients, see `usageOf`, or by `readUsage`), failure or
   * abort. A streamed answer is handed on as the object it is and watched as it is read: the call is over when the stream is, when its reader
   * leaves it, or when it is collected as garbage. Where the capture of model calls beneath counts the call, this does not; with `readUsage` it
   * does, and the capture does not. `readUsage` is given the result, of a stream when that has ended.
   *
   * It returns a promise of the result and no more: methods of the client's own promise, such as `.withResponse()`, are to be called in `work`.
   */
  measure<Result>(
    target: LlmTarget,
    work: () => Result,
    readUsage?: (result: Awaited<Result>) => LlmUsage | null,
  ): Promise<Awaited<Result>>;
  /**
   * For instrumentations: an answer could not be read in full, so that its usage may be missing. Counted in `meterbridge.values.refused`,
   * meter `llm tokens`, reason `answer_unreadable`. Who calls this tells why.
   */
  unreadable(): void;
}

export function createLlmRecorder(state: CoreState): LlmRecorder {
  const recorder = createCallRecorder(state);
  const twice = createTwiceCheck(state.warn);
  const checkTwice = guarded(state, "llm.requests", undefined, twice.told);
  const startSpan = guarded(state, "llm span", trace.wrapSpanContext(INVALID_SPAN_CONTEXT), startLlmSpan);

  /** While the answer is on its way, so that none waits for prices to be loaded. */
  const preparePrices = guarded(state, "llm.cost", undefined, (): undefined => {
    if (state.binding.isBound() || state.sinks.any()) state.settings().priceBook?.prepare?.();
  });

  /** `counted` is told of the call when it has been recorded. */
  const begin = guarded(
    state,
    "llm.requests",
    noLlmRun,
    (given: LlmTarget, begun: LlmStart, counted: Counted): LlmRun => {
      const target = readTarget(state, given);
      preparePrices();
      const { begunAt, within = context.active() } = begun;
      const span = startSpan(target, { begunAt, within });
      const active = trace.setSpan(within, span);
      const record = (call: LlmCall): void => {
        recorder.record(call);
        counted(call, within);
      };
      return startLlmRun(state, { target, span, active, begunAt, record, recordChunks: recorder.recordChunks });
    },
  );

  const readKnown = guarded(state, "llm tokens", null, (result: unknown) =>
    usageOf(isObject(result) && isWithResponse(result) ? result.data : result),
  );

  const refuse = (error: unknown): void => state.refuse("llm stream", "recorder_failed", error);

  return {
    unreadable: guarded(state, "llm tokens", undefined, () => state.countRefused("llm tokens", "answer_unreadable")),
    record(call) {
      recorder.record(call);
      checkTwice(call);
    },
    start: (target, begun = {}) => begin(target, begun, twice.started),
    async measure<Result>(
      target: LlmTarget,
      work: () => Result,
      readUsage?: (result: Awaited<Result>) => LlmUsage | null,
    ): Promise<Awaited<Result>> {
      const above = context.active();
      const run = begin(target, {}, twice.told);
      const door = openCallDoor(readUsage !== undefined, run === noLlmRun ? above : run.active);
      const mayCount = (): boolean => {
        if (door.countedBeneath() || !mayCountCall(above)) return false;
        door.close();
        return true;
      };
      let result: Awaited<Result>;
      try {
        result = await context.with(door.active, () => work());
      } catch (error) {
        if (!mayCount()) run.discard(error);
        else if (isAbort(error)) run.cancel();
        else run.fail(error);
        throw error;
      }
      const read = readUsage && guarded(state, "llm tokens", null, withoutText(readUsage));
      // No function here may capture the result: a stream that something holds is never seen to be given up.
      if (!followStream({ run, isCountedBeneath: door.countedBeneath, mayCount, refuse }, result, read)) {
        if (mayCount()) run.complete((read ?? readKnown)(result));
        else run.discard();
      }
      return result;
    },
  };
}

type Counted = (call: LlmCall, within: Context) => void;

/** The function, but for what it throws: that may quote the answer, which no log may show, so another error takes its place. */
function withoutText<Result>(readUsage: (result: Result) => LlmUsage | null): (result: Result) => LlmUsage | null {
  return (result) => {
    try {
      return readUsage(result);
    } catch (error) {
      throw new Error(`readUsage threw ${errorTypeOf(error)}`, { cause: error });
    }
  };
}
