import { type Context, createContextKey } from "@opentelemetry/api";
import { type Attribution, llm, type LlmEnding, type LlmRun } from "@meterbridge/core";
import { isModelCallSpan, markCounted } from "../spans/span-notes.ts";
import type { AnswerReader } from "../wire/wire-format.ts";
import { type CaptureState, remember } from "./capture-state.ts";
import { networkErrorType } from "./error-types.ts";
import { modelLabel } from "./model-labels.ts";
import type { ModelRequest, ParsedRequest } from "./model-request.ts";
import { tellUnreadable } from "./tell-once.ts";

/** One call of a model, however many tries it takes. Ends once; what is told after that changes nothing. */
export interface ModelCall {
  /** The context to send a try in. */
  readonly active: Context;
  readonly attribution: Attribution;
  tries(): number;
  isOpen(): boolean;
  /** The headers of an answer have come. */
  isAnswered(): boolean;
  /** The client tries again what has failed. */
  tryAgain(): void;
  /** So many chunks with content have come at that time. */
  chunks(reader: AnswerReader, count: number, at: number): void;
  /** The provider has answered, and this reads it. */
  answered(reader: AnswerReader): void;
  /** The answer is at its end, and was then. */
  complete(reader: AnswerReader | undefined, at?: number): void;
  /** The try has failed without an answer to read, at that time. */
  fail(errorType: string, at?: number): void;
  /** The line went dead while the answer was read. */
  breakOff(error: unknown, reader: AnswerReader): void;
  /** The caller has given up. */
  cancel(reader: AnswerReader | undefined): void;
  /** Ends it as it stands, or stood then: given up, or failed if there is an `errorType`. */
  abandon(errorType?: string, at?: number): void;
  /** Somebody else counts it. */
  discard(): void;
  /** Called when it has ended. */
  onEnd(ended: () => void): void;
}

/** One try of a call. */
export interface BegunTry extends ParsedRequest {
  readonly call: ModelCall;
}

/** Where, for whom and when a call began. */
export interface ModelCallStart {
  readonly within: Context;
  readonly attribution: Attribution;
  readonly begunAt?: number | undefined;
}

export function beginModelCall(
  state: CaptureState,
  first: ModelRequest,
  { within, attribution, begunAt }: ModelCallStart,
): ModelCall {
  const contextSize = sizeOf(first);
  let tries = 1;
  let answering: AnswerReader | undefined;
  let isOpen = true;
  let isAnswered = false;
  let isStreaming = false;
  const listeners: (() => void)[] = [];
  const { route, facts } = first;
  // A framework's span for this very call is enough.
  const hasSpan = isModelCallSpan(within);
  markCounted(within, facts.model);
  const target = { provider: route.provider, model: facts.model, operation: facts.operation };
  const run: LlmRun = llm.start(target, {
    within: hasSpan ? within.setValue(suppressTracing, true) : within,
    begunAt,
  });

  function end(report: (ending: LlmEnding) => void, reader: AnswerReader | undefined, isCut: boolean): void {
    if (!isOpen) return;
    isOpen = false;
    state.open.delete(call);
    try {
      const read = reader === undefined ? noUsage : reader.ending(isCut);
      if (reader !== undefined) tellUnreadable(state, route, reader.unreadable());
      const label = modelLabel(state, target, isAnswered);
      report({ ...read, attempts: tries, contextSize, modelLabel: label });
    } catch {
      run.fail(undefined, { ...noUsage, attempts: tries });
    }
    for (const ended of listeners.splice(0)) ended();
  }

  function endWell(reader: AnswerReader | undefined, isCut: boolean, endedAt?: number): void {
    end(
      (read) => {
        const failure = reader?.failure();
        const ending = { ...read, endedAt };
        if (failure !== undefined) run.fail(undefined, { ...ending, errorType: failure });
        // The usage came last of all: whoever stopped listening then had the whole answer.
        else if (!isCut || ending.usageSource === "provider") run.complete(ending);
        else run.cancel(ending);
      },
      reader,
      isCut,
    );
  }

  const call: ModelCall = {
    active: (hasSpan ? within : run.active).setValue(beneathMeteredFetch, true),
    attribution,
    tries: () => tries,
    isOpen: () => isOpen,
    isAnswered: () => isAnswered,
    tryAgain() {
      tries += 1;
    },
    chunks(reader, count, at) {
      run.chunks(count, at);
      if (isStreaming) return;
      isStreaming = true;
      const responseModel = reader.responseModel();
      if (responseModel !== undefined) run.responded(responseModel);
    },
    answered(reader) {
      answering = reader;
      isAnswered = true;
      remember(state.answeredModels, facts.model);
    },
    complete: (reader, at) => endWell(reader, false, at),
    cancel: (reader) => endWell(reader, true),
    fail: (errorType, endedAt) =>
      end((ending) => run.fail(undefined, { ...ending, errorType, endedAt }), undefined, true),
    breakOff: (error, reader) =>
      end((ending) => run.fail(error, { ...ending, errorType: networkErrorType(error) }), reader, true),
    abandon(errorType, at) {
      if (errorType === undefined) endWell(answering, true, at);
      else end((ending) => run.fail(undefined, { ...ending, errorType }), answering, true);
    },
    discard: () => end(() => run.discard(), undefined, true),
    onEnd: (ended) => void listeners.push(ended),
  };
  state.open.add(call);
  return call;
}

/** Set in the context in which a metered fetch runs: one beneath it, over which it was put, meters nothing. */
export const beneathMeteredFetch: symbol = createContextKey("meterbridge.beneath-metered-fetch");

/** OpenTelemetry's own key (`suppressTracing` of `@opentelemetry/core`), which its tracers heed. */
const suppressTracing = createContextKey("OpenTelemetry SDK Context Key SUPPRESS_TRACING");

const noUsage: LlmEnding = { usageSource: "none" };

function sizeOf({ body }: ModelRequest): number | undefined {
  return body === undefined ? undefined : typeof body === "string" ? Buffer.byteLength(body) : body.byteLength;
}
