import { context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, type Context, type Span } from "@opentelemetry/api";
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
  /** The context its span is active in: for what is to be its child, such as the HTTP request. */
  readonly active: Context;
  /** A chunk of a streamed answer has come. */
  chunk(): void;
  /**
   * Chunks of a streamed answer have come together, in one packet of the network.
   * @param at - `performance.now()` when they came
   */
  chunks(count: number, at: number): void;
  /**
   * The model that answers, when a stream tells it before its end: the times between chunks are recorded under it.
   * @param modelLabel - the name of the model asked for in meters, when only now known to be one
   */
  responded(responseModel: string, modelLabel?: string): void;
  /** The call ended well. */
  complete(ending?: LlmEnding | null): void;
  /** The call failed; what it had used until then still counts. */
  fail(error?: unknown, ending?: LlmEnding | null): void;
  /** The caller gave up; what it had used until then still counts. */
  cancel(ending?: LlmEnding | null): void;
  /** Somebody else counts this call: its span ends (with what went wrong, if anything), and nothing is recorded. */
  discard(error?: unknown): void;
}

/** When and where a call began, for one that is told of later or by somebody else. */
export interface LlmStart {
  /** `performance.now()` at its begin. @default now */
  readonly begunAt?: number | undefined;
  /** The context it began in: its attribution and its span's parent. @default the active one */
  readonly within?: Context | undefined;
}

/** The call's span: non-recording where traces are off. */
export function startLlmSpan(target: LlmTarget, { begunAt, within = context.active() }: LlmStart = {}): Span {
  const operation = shortText(target.operation) ?? "chat";
  const model = shortText(target.model) ?? "unknown";
  const attributes = {
    [genAi.provider]: shortText(target.provider) ?? "unknown",
    [genAi.operation]: operation,
    [genAi.requestModel]: model,
  };
  const begun = begunAt === undefined ? {} : { startTime: new Date(performance.timeOrigin + begunAt) };
  return trace
    .getTracer("@meterbridge/core", version)
    .startSpan(`${operation} ${model}`, { kind: SpanKind.CLIENT, attributes, ...begun }, within);
}

/** What a call in progress is made of. */
export interface BegunCall {
  readonly target: LlmTarget;
  readonly span: Span;
  /** The context it began in: its end may be told from a callback that belongs to another request. */
  readonly active: Context;
  readonly begunAt?: number | undefined;
  readonly record: (call: LlmCall) => void;
  /** Takes seconds between chunks before the call's end. */
  readonly recordChunks: (call: LlmCall, secondsBetween: readonly number[]) => void;
}

/** Times between chunks that are kept at most: memory must not grow with the length of a stream. */
const mostKept = 128;

export function startLlmRun(state: CoreState, begunCall: BegunCall): LlmRun {
  const { target, span, active, begunAt, record } = begunCall;
  const begun = begunAt ?? performance.now();
  let lastChunk = begun;
  let timeToFirstChunk: number | undefined;
  const timePerOutputChunk: number[] = [];
  let answering: { readonly responseModel?: string; readonly modelLabel?: string } = {};
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
      const responseModel = ending.responseModel ?? answering.responseModel;
      const endedAt = given?.endedAt;
      const duration = Math.max(0, (endedAt ?? performance.now()) - begun) / 1000;
      const times = { duration, timeToFirstChunk, timePerOutputChunk };
      const call = { ...target, ...answering, ...ending, responseModel, status, errorType, ...times };
      context.with(active, record, undefined, call);
      endSpan(span, status, errorType, ending, endedAt);
    },
  );

  const handOver = guarded(state, "llm.requests", undefined, (): undefined => {
    const times = timePerOutputChunk.splice(0);
    context.with(active, begunCall.recordChunks, undefined, { ...target, ...answering }, times);
  });

  function chunks(count: number, at: number): void {
    if (!running) return;
    for (let index = 0; index < count; index += 1) {
      if (timeToFirstChunk === undefined) timeToFirstChunk = (at - begun) / 1000;
      else if (timePerOutputChunk.push((at - lastChunk) / 1000) >= mostKept) handOver();
      lastChunk = at;
    }
  }

  return {
    active,
    chunk: () => chunks(1, performance.now()),
    chunks,
    responded(responseModel, modelLabel) {
      answering = modelLabel === undefined ? { responseModel } : { responseModel, modelLabel };
    },
    complete: (ending) => end("completed", ending),
    fail: (error, ending) => end("failed", ending, error),
    cancel: (ending) => end("cancelled", ending),
    discard: guarded(state, "llm span", undefined, (error?: unknown): undefined => {
      if (!running) return;
      running = false;
      endSpan(
        span,
        error === undefined ? "completed" : "failed",
        error === undefined ? undefined : errorTypeOf(error),
        {},
      );
    }),
  };
}

/** Stands in where a call could not be started. */
export const noLlmRun: LlmRun = {
  active: ROOT_CONTEXT,
  chunk() {},
  chunks() {},
  responded() {},
  complete() {},
  fail() {},
  cancel() {},
  discard() {},
};

function endSpan(
  span: Span,
  status: RunStatus,
  errorType: string | undefined,
  usage: LlmUsage,
  endedAt?: number,
): void {
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
  if (endedAt === undefined) span.end();
  else span.end(new Date(performance.timeOrigin + endedAt));
}
