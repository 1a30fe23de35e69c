import type { AnswerBranch } from "./answer-branch.ts";
import { whenClosed } from "./when-closed.ts";

type Bytes = ReadableStream<Uint8Array>;

/**
 * A stream of the same bytes, without those that the branch takes out. It holds none: a piece is fetched when one is asked for. Of the same kind as the
 * source, so that who reads into a buffer of his own can.
 */
export function passThrough(
  source: Bytes,
  getReader: (this: Bytes, ...given: unknown[]) => unknown,
  branch: Pick<AnswerBranch, "asked" | "piece" | "end" | "fail" | "cancel">,
): Bytes {
  const isOfBytes = takesBuffers(source, getReader);
  const reader = getReader.call(source) as ReadableStreamDefaultReader<Uint8Array>;
  let ending: { readonly left: Uint8Array | undefined } | undefined;
  const end = (): Uint8Array | undefined => (ending ??= { left: branch.end() }).left;
  whenClosed(reader, end, branch.fail);
  const underlying = {
    pull(controller: ReadableByteStreamController | ReadableStreamDefaultController<Uint8Array>): Promise<void> {
      branch.asked();
      return reader.read().then(
        ({ done, value }) => {
          const left = done ? end() : branch.piece(value);
          // What is put into a stream of bytes is taken away from whoever had it.
          if (left !== undefined && left.byteLength !== 0) {
            controller.enqueue(!isOfBytes || left === value ? left : left.slice());
          } else if (!done) return underlying.pull(controller);
          if (!done) return undefined;
          // Whoever looks at the source finds it as it is when it was read to its end.
          reader.releaseLock();
          controller.close();
          if ("byobRequest" in controller) controller.byobRequest?.respond(0);
          return undefined;
        },
        (error: unknown) => {
          branch.fail(error);
          throw error;
        },
      );
    },
    cancel(reason: unknown): Promise<void> {
      const cancelled = reader.cancel(reason);
      branch.cancel();
      return cancelled;
    },
  };
  if (!isOfBytes) return new ReadableStream<Uint8Array>(underlying, { highWaterMark: 0 });
  return new ReadableStream({ ...underlying, type: "bytes" }, { highWaterMark: 0 });
}

function takesBuffers(source: Bytes, getReader: (this: Bytes, ...given: unknown[]) => unknown): boolean {
  try {
    (getReader.call(source, { mode: "byob" }) as ReadableStreamBYOBReader).releaseLock();
    return true;
  } catch {
    return false;
  }
}
