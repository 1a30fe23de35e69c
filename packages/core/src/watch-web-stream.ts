import { isFunction, putBefore, type BranchWatcher, type StreamEnd, type StreamWatcher } from "./stream-watcher.ts";
import { watchIterator } from "./watch-iterator.ts";

/** By its methods, not its class: there are several in a process. */
export function isWebStream(value: object): value is ReadableStream {
  return "getReader" in value && isFunction(value.getReader) && "tee" in value && "locked" in value;
}

/**
 * Watches every reading of a web stream, which stays the object it is. Its readers read for `for await` of the AI SDK and LangChain too; where the
 * platform reads past them (pipes, branches), it is given a stream that reads by one.
 */
export function watchWebStream(stream: ReadableStream, watcher: StreamWatcher, atEnd: () => StreamEnd = nothing): void {
  const { getReader, cancel, tee, pipeTo, pipeThrough } = stream;
  const relayed = (afterwards?: "unlock"): ReadableStream => relay(stream.getReader(), afterwards);
  const isNative = stream[Symbol.asyncIterator] === ReadableStream.prototype[Symbol.asyncIterator];
  const iterate = (...parameters: unknown[]): unknown => {
    const iterator = Reflect.apply(ReadableStream.prototype.values, stream, parameters) as object;
    watchIterator(iterator, stream, ending(watcher.branch(), atEnd));
    return iterator;
  };
  const replaced = putBefore(stream, "getReader", (...parameters: unknown[]): unknown => {
    const reader = Reflect.apply(getReader, stream, parameters) as ReadableStreamDefaultReader;
    watchReader(reader, ending(watcher.branch(), atEnd));
    return reader;
  });
  if (!replaced) return watcher.branch().ended();
  putBefore(stream, "cancel", (...parameters: unknown[]): unknown => {
    watcher.branch().left();
    return Reflect.apply(cancel, stream, parameters);
  });
  putBefore(stream, "tee", (): unknown => Reflect.apply(tee, relayed(), []));
  putBefore(stream, "pipeTo", async (...parameters: unknown[]): Promise<unknown> =>
    Reflect.apply(pipeTo, relayed("unlock"), parameters),
  );
  putBefore(stream, "pipeThrough", (...parameters: unknown[]): unknown =>
    Reflect.apply(pipeThrough, relayed("unlock"), parameters),
  );
  if (isNative) {
    putBefore(stream, "values", iterate);
    putBefore(stream, Symbol.asyncIterator, iterate);
  }
}

function watchReader(reader: ReadableStreamDefaultReader, branch: BranchWatcher): void {
  const { read, cancel } = reader;
  putBefore(reader, "read", async (...parameters: unknown[]): Promise<unknown> => {
    let result: Awaited<ReturnType<typeof read>>;
    try {
      result = await (Reflect.apply(read, reader, parameters) as ReturnType<typeof read>);
    } catch (error) {
      branch.failed(error);
      throw error;
    }
    if (result.done) branch.ended();
    else branch.piece(result.value);
    return result;
  });
  putBefore(reader, "cancel", (...parameters: unknown[]): unknown => {
    branch.left();
    return Reflect.apply(cancel, reader, parameters);
  });
}

/** A stream that reads by the reader, at no other pace than its own reader's. What was piped is not locked any more, what was branched is. */
function relay(reader: ReadableStreamDefaultReader, afterwards?: "unlock"): ReadableStream {
  const unlock = (): void => {
    if (afterwards === "unlock") reader.releaseLock();
  };
  return new ReadableStream(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (!done) return controller.enqueue(value);
        } catch (error) {
          unlock();
          throw error;
        }
        unlock();
        controller.close();
      },
      async cancel(reason) {
        try {
          await reader.cancel(reason);
        } finally {
          unlock();
        }
      },
    },
    { highWaterMark: 0 },
  );
}

function ending(branch: BranchWatcher, atEnd: () => StreamEnd): BranchWatcher {
  return { ...branch, ended: (end) => branch.ended({ ...atEnd(), ...end }) };
}

function nothing(): StreamEnd {
  return {};
}
