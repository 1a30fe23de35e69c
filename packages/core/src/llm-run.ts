import { SpanKind, SpanStatusCode, trace, type Span } from "@opentelemetry/api";
import type { CoreState } from "./core-state.ts";
import { errorTypeOf } from "./error-type.ts";
import { guarded } from "./guard.ts";
import type { LlmCall, LlmTarget, LlmUsage } from "./llm-call.ts";
import { errorType as errorTypeAttribute, genAi } from "./semconv.ts";
import { version } from "./version.ts";
import type { RunStatus } from "./vocabulary.ts";

/** A model call in progress. The first ending counts, later ones do nothing. */
export interface LlmRun {
  /** A chunk of a streamed answer has come. */
  chunk(): void;
  /** The call ended well. */
  complete(usage?: LlmUsage | null): void;
  /** The call failed; what it had used until then still counts. */
  fail(error?: unknown, usage?: LlmUsage | null): void;
  /** The caller gave up; what it had used until then still counts. */
  cancel(usage?: LlmUsage | null): void;
}

/** The call's span: non-recording where traces are off. */
export function startLlmSpan(target: LlmTarget): Span {
  const operation = target.operation ?? "chat";
  return trace.getTracer("@meterbridge/core", version).startSpan(`${operation} ${target.model}`, {
    kind: SpanKind.CLIENT,
    attributes: {
      [genAi.provider]: target.provider,
      [genAi.operation]: operation,
      [genAi.requestModel]: target.model,
    },
  });
}

export function startLlmRun(state: CoreState, target: LlmTarget, span: Span, record: (call: LlmCall) => void): LlmRun {
  const begun = performance.now();
  let lastChunk = begun;
  let timeToFirstChunk: number | undefined;
  const timePerOutputChunk: number[] = [];
  let running = true;

  const end = guarded(
    state,
    "llm.requests",
    undefined,
    (status: RunStatus, usage?: LlmUsage | null, error?: unknown): undefined => {
      if (!running) return;
      running = false;
      const errorType = status === "failed" ? errorTypeOf(error) : undefined;
      const duration = (performance.now() - begun) / 1000;
      record({ ...target, ...usage, status, errorType, duration, timeToFirstChunk, timePerOutputChunk });
      endSpan(span, status, errorType, usage);
    },
  );

  return {
    chunk() {
      const now = performance.now();
      if (timeToFirstChunk === undefined) timeToFirstChunk = (now - begun) / 1000;
      else timePerOutputChunk.push((now - lastChunk) / 1000);
      lastChunk = now;
    },
    complete: (usage) => end("completed", usage),
    fail: (error, usage) => end("failed", usage, error),
    cancel: (usage) => end("cancelled", usage),
  };
}

/** Stands in where a call could not be started. */
export const noLlmRun: LlmRun = { chunk() {}, complete() {}, fail() {}, cancel() {} };

function endSpan(span: Span, status: RunStatus, errorType: string | undefined, usage?: LlmUsage | null): void {
  if (span.isRecording()) {
    for (const [attribute, value] of [
      [genAi.responseModel, usage?.responseModel],
      [genAi.inputTokens, usage?.inputTokens],
      [genAi.outputTokens, usage?.outputTokens],
      [genAi.cacheReadTokens, usage?.cacheReadTokens],
      [genAi.cacheWriteTokens, usage?.cacheWriteTokens],
      [genAi.reasoningTokens, usage?.reasoningTokens],
      [errorTypeAttribute, errorType],
    ] as const) {
      if (value !== undefined) span.setAttribute(attribute, value);
    }
    // The error's message may quote the prompt, so the status carries none.
    if (status === "failed") span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}
