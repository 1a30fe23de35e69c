import type { AnswerBranch } from "./answer-branch.ts";
import { hidingRead, type Read, type Step } from "./hiding-read.ts";
import { layOver } from "./own-property.ts";
import { passThrough } from "./pass-through.ts";
import { whenClosed } from "./when-closed.ts";

type Bytes = ReadableStream<Uint8Array>;

/**
 * Looks at what is read from the stream, whichever way: the caller has the same stream, and from its readers and iterators the same promises, but where
 * bytes are taken out. Only where those are read into a buffer of the caller's, and where the stream is piped or split inside of Node.js, a thin
 * stream is put in between.
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
  let ending: { readonly left: Uint8Array | undefined } | undefined;
  let isHandedOut = false;
  const tap: Tap = {
    branch,
    end: () => void (ending ??= { left: branch.end() }),
    lastBytes() {
      tap.end();
      if (isHandedOut) return undefined;
      isHandedOut = true;
      return ending?.left;
    },
    cancel() {
      isHandedOut = true;
      branch.cancel();
    },
  };

  layOver(stream, "getReader", function getReader(this: Bytes, ...given: unknown[]): AnyReader {
    if (this !== stream) return original.getReader.apply(this, given);
    if (branch.isReadWhole()) return original.getReader.apply(stream, given);
    const isDiverted = between !== undefined || (branch.hides && takesBuffer(given[0]));
    if (stream.locked || !(isDiverted || readsInside())) return tapReader(original.getReader.apply(stream, given), tap);
    return (divert().getReader as typeof original.getReader)(...given);
  });
  for (const name of ["values", Symbol.asyncIterator] as const) {
    layOver(stream, name, function values(this: Bytes, options?: { preventCancel?: boolean }) {
      if (this !== stream) return original.values.call(this, options);
      if (between !== undefined && !stream.locked) return between.values(options);
      return tapIterator(original.values.call(stream, options), tap, options?.preventCancel === true);
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
    if (!isRefused) tap.cancel();
    return cancelled;
  });
}

type AnyReader = ReadableStreamDefaultReader<Uint8Array> | ReadableStreamBYOBReader;

interface Tap {
  readonly branch: AnswerBranch;
  /** The answer is at its end. */
  end(): void;
  /** It is, and the caller gets what was held back, once. */
  lastBytes(): Uint8Array | undefined;
  /** The caller gives up. What was held back is nobody's from now on. */
  cancel(): void;
}

/** Getters that throw do so in the stream's own method. */
function takesBuffer(options: unknown): boolean {
  return typeof options === "object" && options !== null && (options as { mode?: unknown }).mode !== undefined;
}

function tapReader(reader: AnyReader, tap: Tap): AnyReader {
  const { branch } = tap;
  const { read, cancel, releaseLock } = reader as { read: Read } & Pick<AnyReader, "cancel" | "releaseLock">;
  let isReleased = false;
  // Of a reader that was let go every promise is broken.
  const fail = (error: unknown): void => {
    if (!isReleased) branch.fail(error);
  };
  layOver(reader, "read", tappedRead(read, tap, fail));
  layOver(reader, "cancel", function (this: AnyReader, reason?: unknown) {
    const cancelled = cancel.call(this, reason);
    tap.cancel();
    return cancelled;
  });
  layOver(reader, "releaseLock", function (this: AnyReader) {
    releaseLock.call(this);
    isReleased = true;
  });
  whenClosed(reader, tap.end, fail);
  return reader;
}

function tapIterator<Steps extends object>(iterator: Steps, tap: Tap, preventCancel: boolean): Steps {
  // An iterator that was left says that it is done, whatever the stream is.
  let isLeft = false;
  const whileOn: Tap = {
    ...tap,
    end: () => void (isLeft || tap.end()),
    lastBytes: () => (isLeft ? undefined : tap.lastBytes()),
  };
  const { next, return: giveUp } = iterator as { next: Read; return?: (value?: unknown) => Promise<unknown> };
  layOver(iterator, "next", tappedRead(next, whileOn, tap.branch.fail));
  if (giveUp !== undefined) {
    layOver(iterator, "return", function (this: unknown, value?: unknown) {
      const given = giveUp.call(this, value);
      const leave = (): void => void (isLeft = true);
      given.then(leave, leave);
      if (!preventCancel) tap.branch.cancel();
      return given;
    });
  }
  return iterator;
}

/** Gives out the promise itself. What it brings is looked at before the caller sees it, whose own reactions are added later. */
function tappedRead(read: Read, { branch, end, lastBytes }: Tap, fail: (error: unknown) => void): Read {
  if (branch.hides) return hidingRead(read, branch, lastBytes, fail);
  const see = ({ done, value }: Step): void => void (done ? end() : branch.piece(value));
  return function (...given) {
    const promise = read.apply(this, given);
    promise.then(see, fail);
    return promise;
  };
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
