import type { LlmEnding, LlmUsage } from "./llm-call.ts";
import type { LlmRun } from "./llm-run.ts";
import { createUsageReader, type UsageReader } from "./llm-usage-reader.ts";
import { usageOf } from "./llm-usage.ts";
import { isAbort } from "./run.ts";
import type { StreamEnd } from "./stream-watcher.ts";
import { fieldsOf, isObject } from "./usage-fields.ts";
import { createWatcher, type StreamReading } from "./watched-reading.ts";
import { streamIn, watchStream } from "./watch-stream.ts";

/** What a streamed call is read for. */
export interface StreamedCall {
  readonly run: LlmRun;
  /** A door beneath counts the call. */
  isCountedBeneath(): boolean;
  /** Whether the call is this door's to count; asked once, at its end. */
  mayCount(): boolean;
  /** Told what went wrong in here. */
  refuse(error: unknown): void;
}

/** Ends the call when the stream in the result ends. False when the result is none. */
export function followStream<Result>(
  call: StreamedCall,
  result: Result,
  readUsage: ((result: Result) => LlmUsage | null) | undefined,
): boolean {
  try {
    const stream = streamIn(result);
    if (stream === undefined || !isObject(result)) return false;
    const reading = createStreamedReading(call, readUsage && readLater(new WeakRef(result), readUsage));
    watchStream(stream, createWatcher(reading, call.refuse));
    return true;
  } catch (error) {
    call.refuse(error);
    return false;
  }
}

/** What is kept for the stream's end must not keep the stream. */
function readLater<Result extends object>(
  held: WeakRef<Result>,
  readUsage: (result: Result) => LlmUsage | null,
): () => LlmUsage | null {
  return () => {
    const result = held.deref();
    return result === undefined ? null : readUsage(result);
  };
}

/** One way in which the stream is read, and what was told on it. */
interface Branch {
  readonly reader: UsageReader;
  isAborted: boolean;
}

function createStreamedReading(
  call: StreamedCall,
  readUsage: (() => LlmUsage | null) | undefined,
): StreamReading<Branch> {
  const { run } = call;
  const branches: Branch[] = [];
  let told: string | undefined;
  /** The one whose pieces are timed: a stream that is read twice has not twice as many. */
  let timed: Branch | undefined;

  const best = (): UsageReader | undefined =>
    (branches.find(({ reader }) => reader.isFinal()) ?? branches.findLast(({ reader }) => reader.usage() !== null))
      ?.reader;

  /** The figures, and how far they can be relied on. */
  function ending(isOver: boolean, asked?: LlmUsage | null): LlmEnding | null {
    const own = readUsage?.() ?? asked;
    if (own !== undefined && own !== null) return own;
    const reader = best();
    const usage = reader?.usage() ?? null;
    if (reader === undefined || usage === null) return null;
    if (usage.inputTokens === undefined && usage.outputTokens === undefined) return usage;
    return isOver && reader.isFinal() ? usage : { ...usage, usageSource: reader.isFinal() ? "provider" : "partial" };
  }

  function respondedBy(reader: UsageReader): string | undefined {
    const model = reader.usage()?.responseModel;
    if (model !== undefined) run.responded(model);
    return model;
  }

  function complete(asked?: LlmUsage | null): void {
    const failure = branches.map(({ reader }) => reader.failure()).find((type) => type !== undefined);
    if (failure === undefined) run.complete(ending(true, asked));
    else fail(failure, true, asked);
  }

  function fail(errorType: string, isOver: boolean, asked?: LlmUsage | null): void {
    run.fail(undefined, { ...ending(isOver, asked), errorType });
  }

  /** The pieces were texts alone: the stream's own object knows more, now that it is over. */
  async function completeBy(outcome: NonNullable<StreamEnd["outcome"]>): Promise<void> {
    try {
      const result = await outcome();
      if (fieldsOf(result)["finishReason"] === "error") fail("stream_error", true, usageOf(result));
      else complete(usageOf(result));
    } catch (error) {
      if (isAbort(error)) run.cancel(ending(false));
      else run.fail(error, ending(false));
    }
  }

  return {
    begin() {
      const branch = { reader: createUsageReader(), isAborted: false };
      branches.push(branch);
      return branch;
    },
    piece(branch, value) {
      timed ??= branch;
      branch.reader.read(value);
      if (fieldsOf(value)["type"] === "abort") branch.isAborted = true;
      if (timed !== branch || saysNothing(value) || call.isCountedBeneath()) return;
      told ??= respondedBy(branch.reader);
      run.chunk();
    },
    ended(branch, { isAborted, isFailed, outcome }) {
      if (!call.mayCount()) return run.discard();
      const isFinal = best()?.isFinal() === true;
      if ((isAborted === true || branch.isAborted) && !isFinal) return run.cancel(ending(false));
      if (isFailed === true) return fail("stream_error", false);
      if (isFinal || outcome === undefined) return complete();
      void completeBy(outcome);
    },
    failed(error) {
      if (!call.mayCount()) run.discard(error);
      else run.fail(error, ending(false));
    },
    left() {
      if (!call.mayCount()) return run.discard();
      // Whoever leaves when all was told has missed nothing.
      if (best()?.isFinal() === true) complete();
      else run.cancel(ending(false));
    },
  };
}

/** An event about the answer, with nothing of it: the time to the first chunk is not the time to such. */
function saysNothing(event: unknown): boolean {
  const { type, choices } = fieldsOf(event);
  return typeof type === "string" ? aboutTheAnswer.has(type) : Array.isArray(choices) && choices.length === 0;
}

const aboutTheAnswer: ReadonlySet<string> = new Set([
  // Anthropic
  "message_start",
  "ping",
  "message_delta",
  "message_stop",
  // OpenAI's responses
  "response.created",
  "response.queued",
  "response.in_progress",
  "response.completed",
  "response.incomplete",
  "response.failed",
  // The AI SDK
  "start",
  "start-step",
  "stream-start",
  "response-metadata",
  "finish-step",
  "model-call-end",
  "finish",
  "abort",
  "error",
]);
