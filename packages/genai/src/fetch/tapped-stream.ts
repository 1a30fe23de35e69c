import type { AnswerBranch } from "./answer-branch.ts";
import { layOver } from "./own-property.ts";
import { passThrough } from "./pass-through.ts";
import { whenClosed } from "./when-closed.ts";

type Bytes = ReadableStream<Uint8Array>;

/**
 * Looks at what is read from the stream, whichever way: the caller has the same stream, and from its readers and iterators the same promises. Only where
 * bytes are taken out, and where the stream is piped or split inside of Node.js, a thin stream is put in between.
 */
export function tapStream(stream: Bytes, branch: AnswerBranch): void {
  const original = {
    getReader: stream.getReader as (this: Bytes, ...given: unknown[]) => AnyReader,
    values: stream.values,
    cancel: stream.cancel,
  };
  let between: Bytes | undefined;
  const divert = (): Bytes => {
    if (between !== undefined) return between;
    between = passThrough(stream, original.getReader, branch);
    // That the thin stream reads from it is not to be seen.
    Object.defineProperty(stream, "locked", { get: () => between?.locked, configurable: true });
    return between;
  };
  const isDiverted = (): boolean => between !== undefined || branch.hides;

  layOver(stream, "getReader", function getReader(this: Bytes, ...given: unknown[]): AnyReader {
    if (this !== stream) return original.getReader.apply(this, given);
    if (branch.isReadWhole()) return original.getReader.apply(stream, given);
    if (stream.locked || !(isDiverted() || readsInside())) {
      return tapReader(original.getReader.apply(stream, given), branch);
    }
    return (divert().getReader as typeof original.getReader)(...given);
  });
  for (const name of ["values", Symbol.asyncIterator] as const) {
    layOver(stream, name, function values(this: Bytes, options?: { preventCancel?: boolean }) {
      if (this !== stream) return original.values.call(this, options);
      if (isDiverted() && !stream.locked) return divert().values(options);
      return tapIterator(original.values.call(stream, options), branch, options?.preventCancel === true);
    });
  }
  for (const name of ["pipeThrough", "pipeTo", "tee"] as const) {
    const method = stream[name] as (...given: unknown[]) => unknown;
    layOver(stream, name, function (this: Bytes, ...given: unknown[]) {
      // What refuses, refuses as it would have.
      return method.apply(this !== stream || stream.locked ? this : divert(), given);
    });
  }
  layOver(stream, "cancel", function cancel(this: Bytes, reason?: unknown) {
    if (this !== stream) return original.cancel.call(this, reason);
    if (between !== undefined) return between.cancel(reason);
    const isRefused = stream.locked;
    const cancelled = original.cancel.call(stream, reason);
    if (!isRefused) branch.cancel();
    return cancelled;
  });
}

type AnyReader = ReadableStreamDefaultReader<Uint8Array> | ReadableStreamBYOBReader;
type Read = (this: AnyReader, ...given: unknown[]) => Promise<{ done: boolean; value?: unknown }>;

function tapReader(reader: AnyReader, branch: AnswerBranch): AnyReader {
  const { read, cancel, releaseLock } = reader as { read: Read } & Pick<AnyReader, "cancel" | "releaseLock">;
  let isReleased = false;
  // Of a reader that was let go every promise is broken.
  const fail = (error: unknown): void => {
    if (!isReleased) branch.fail(error);
  };
  layOver(reader, "read", function (this: AnyReader, ...given: unknown[]) {
    return observed(read.apply(this, given), branch, fail);
  });
  layOver(reader, "cancel", function (this: AnyReader, reason?: unknown) {
    const cancelled = cancel.call(this, reason);
    branch.cancel();
    return cancelled;
  });
  layOver(reader, "releaseLock", function (this: AnyReader) {
    releaseLock.call(this);
    isReleased = true;
  });
  whenClosed(reader, () => void branch.end(), fail);
  return reader;
}

function tapIterator<Steps extends object>(iterator: Steps, branch: AnswerBranch, preventCancel: boolean): Steps {
  const { next, return: giveUp } = iterator as { next: Read; return?: (value?: unknown) => Promise<unknown> };
  layOver(iterator, "next", function (this: AnyReader, ...given: unknown[]) {
    return observed(next.apply(this, given), branch);
  });
  if (giveUp !== undefined) {
    layOver(iterator, "return", function (this: unknown, value?: unknown) {
      const given = giveUp.call(this, value);
      if (!preventCancel) branch.cancel();
      return given;
    });
  }
  return iterator;
}

/** The promise itself. What it brings is looked at before the caller sees it, whose own reactions are added later. */
function observed<Result extends { done: boolean; value?: unknown }>(
  promise: Promise<Result>,
  branch: AnswerBranch,
  fail: (error: unknown) => void = branch.fail,
): Promise<Result> {
  promise.then(({ done, value }) => void (done ? branch.end() : branch.piece(value)), fail);
  return promise;
}

/** From Node.js 26 on `Readable.fromWeb` asks for a reader and reads behind its back. */
function readsInside(): boolean {
  if (nodeMajor < 26) return false;
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 4;
  const { stack } = new Error("where");
  Error.stackTraceLimit = stackTraceLimit;
  return String(stack).includes("node:internal/webstreams/adapters");
}

const nodeMajor = Number.parseInt(process.versions.node, 10);
