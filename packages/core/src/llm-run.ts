import { context, SpanKind, SpanStatusCode, trace, type Context, type Span } from "@opentelemetry/api";
import type { CoreState } from "./core-state.ts";
import { errorTypeOf } from "./error-type.ts";
import { guarded } from "./guard.ts";
import { shortText } from "./label-value.ts";
import type { LlmCall, LlmEnding, LlmTarget, LlmUsage } from "./llm-call.ts";
import { readEnding } from "./llm-fields.ts";
import { errorType as errorTypeAttribute, genAi } from "./semconv.ts";
import { version } from "./version.ts";
import type { RunStatus } from "./vocabulary.ts";

/** A model call in progress. The first ending counts, later ones do nothing. */
export interface LlmRun {
  /** A chunk of a streamed answer has come. */
  chunk(): void;
  /** The call ended well. */
  complete(ending?: LlmEnding | null): void;
  /** The call failed; what it had used until then still counts. */
  fail(error?: unknown, ending?: LlmEnding | null): void;
  /** The caller gave up; what it had used until then still counts. */
  cancel(ending?: LlmEnding | null): void;
}

/** The call's span: non-recording where traces are off. */
export function startLlmSpan(target: LlmTarget): Span {
  const operation = shortText(target.operation) ?? "chat";
  const model = shortText(target.model) ?? "unknown";
  return trace.getTracer("@meterbridge/core", version).startSpan(`${operation} ${model}`, {
    kind: SpanKind.CLIENT,
    attributes: {
      [genAi.provider]: shortText(target.provider) ?? "unknown",
      [genAi.operation]: operation,
      [genAi.requestModel]: model,
    },
  });
}

/** What a call in progress is made of. */
export interface BegunCall {
  readonly target: LlmTarget;
  readonly span: Span;
  /** The context it began in: its end may be told from a callback that belongs to another request. */
  readonly active: Context;
  readonly record: (call: LlmCall) => void;
}

export function startLlmRun(state: CoreState, { target, span, active, record }: BegunCall): LlmRun {
  const begun = performance.now();
  let lastChunk = begun;
  let timeToFirstChunk: number | undefined;
  const timePerOutputChunk: number[] = [];
  let running = true;
  const endingFrom = guarded(state, "llm tokens", {}, (given: LlmEnding | null | undefined) =>
    given === undefined || given === null ? {} : readEnding(state, given),
  );

  const end = guarded(
    state,
    "llm.requests",
    undefined,
    (status: RunStatus, given?: LlmEnding | null, error?: unknown): undefined => {
      if (!running) return;
      running = false;
      const ending = endingFrom(given);
      const errorType = status === "failed" ? (ending.errorType ?? errorTypeOf(error)) : undefined;
      const duration = (performance.now() - begun) / 1000;
      const call = { ...target, ...ending, status, errorType, duration, timeToFirstChunk, timePerOutputChunk };
      context.with(active, record, undefined, call);
      endSpan(span, status, errorType, ending);
    },
  );

  return {
    chunk() {
      const now = performance.now();
      if (timeToFirstChunk === undefined) timeToFirstChunk = (now - begun) / 1000;
      else timePerOutputChunk.push((now - lastChunk) / 1000);
      lastChunk = now;
    },
    complete: (ending) => end("completed", ending),
    fail: (error, ending) => end("failed", ending, error),
    cancel: (ending) => end("cancelled", ending),
  };
}

/** Stands in where a call could not be started. */
export const noLlmRun: LlmRun = { chunk() {}, complete() {}, fail() {}, cancel() {} };

function endSpan(span: Span, status: RunStatus, errorType: string | undefined, usage: LlmUsage): void {
  if (span.isRecording()) {
    for (const [attribute, value] of [
      [genAi.responseModel, usage.responseModel],
      [genAi.inputTokens, usage.inputTokens],
      [genAi.outputTokens, usage.outputTokens],
      [genAi.cacheReadTokens, usage.cacheReadTokens],
      [genAi.cacheWriteTokens, usage.cacheWriteTokens],
      [genAi.reasoningTokens, usage.reasoningTokens],
      [errorTypeAttribute, errorType],
    ] as const) {
      if (value !== undefined) span.setAttribute(attribute, value);
    }
    // The error's message may quote the prompt, so the status carries none.
    if (status === "failed") span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}
