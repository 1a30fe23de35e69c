import { context, INVALID_SPAN_CONTEXT, trace } from "@opentelemetry/api";
import type { CoreState } from "./core-state.ts";
import { errorTypeOf } from "./error-type.ts";
import { guarded } from "./guard.ts";
import type { LlmCall, LlmTarget, LlmUsage } from "./llm-call.ts";
import { readTarget } from "./llm-fields.ts";
import { createCallRecorder } from "./llm-record.ts";
import { noLlmRun, startLlmRun, startLlmSpan, type LlmRun, type LlmStart } from "./llm-run.ts";
import { usageOf } from "./llm-usage.ts";
import { isAbort } from "./run.ts";

export interface LlmRecorder {
  /** Records a finished call in every meter of the area, prices it, and makes one usage event. */
  record(call: LlmCall): void;
  /** Starts a call, and its span where traces are on. End it with what it used. */
  start(target: LlmTarget, begun?: LlmStart): LlmRun;
  /**
   * Runs `work`, one model call, and records it: duration, usage read from the result of the OpenAI and Anthropic clients (or
   * by `readUsage`), failure or abort. For streamed answers use `start`, and end it when the stream ends.
   */
  measure<Result>(
    target: LlmTarget,
    work: () => Result,
    readUsage?: (result: Awaited<Result>) => LlmUsage | null,
  ): Promise<Awaited<Result>>;
}

export function createLlmRecorder(state: CoreState): LlmRecorder {
  const { record, recordChunks } = createCallRecorder(state);
  const startSpan = guarded(state, "llm span", trace.wrapSpanContext(INVALID_SPAN_CONTEXT), startLlmSpan);

  const start = guarded(state, "llm.requests", noLlmRun, (given: LlmTarget, begun: LlmStart = {}): LlmRun => {
    const target = readTarget(state, given);
    const { begunAt, within = context.active() } = begun;
    const span = startSpan(target, { begunAt, within });
    const active = trace.setSpan(within, span);
    return startLlmRun(state, { target, span, active, begunAt, record, recordChunks });
  });

  return {
    record,
    start,
    async measure<Result>(
      target: LlmTarget,
      work: () => Result,
      readUsage: (result: Awaited<Result>) => LlmUsage | null = usageOf,
    ): Promise<Awaited<Result>> {
      const read = guarded(state, "llm tokens", null, (result: Awaited<Result>) => withoutText(readUsage, result));
      const run = start(target);
      try {
        const result = await context.with(run === noLlmRun ? context.active() : run.active, () => work());
        run.complete(read(result));
        return result;
      } catch (error) {
        if (isAbort(error)) run.cancel();
        else run.fail(error);
        throw error;
      }
    },
  };
}

/** The function's result. What it throws may quote the answer, which no log may show, so another error takes its place. */
function withoutText<Result>(readUsage: (result: Result) => LlmUsage | null, result: Result): LlmUsage | null {
  try {
    return readUsage(result);
  } catch (error) {
    throw new Error(`readUsage threw ${errorTypeOf(error)}`, { cause: error });
  }
}
