import { isAbort, type Run } from "./run.ts";
import { isFunction, isThenable, putBefore } from "./stream-watcher.ts";
import { createWatcher, type StreamReading } from "./watched-reading.ts";
import { streamIn, watchStream } from "./watch-stream.ts";

/** Any function, whatever it takes and gives. */
export type AnyFunction = (this: never, ...parameters: never[]) => unknown;

/** A run whose result says more than that it went well. */
export interface MeteredRun extends Run {
  /** Looks at the result before the run completes. */
  resulted?(result: unknown): void;
}

/**
 * The function, each call of which is a run: it completes, fails or (on abort) is cancelled by how the call ends. It stays the function it is: its
 * type, `this`, name, properties; what it gives at once is given at once, a promise is a promise, and a stream is the same object, whose run
 * ends when it has been read, left or collected as garbage.
 */
export function meterFunction<Work extends AnyFunction>(work: Work, begin: () => MeteredRun): Work {
  return new Proxy(work, {
    apply(target, self, parameters) {
      const run = begin();
      let result: unknown;
      try {
        result = Reflect.apply(target, self, parameters);
      } catch (error) {
        fail(run, error);
        throw error;
      }
      if (!isThenable(result)) {
        complete(run, result);
        return result;
      }
      if (!isNativePromise(result)) return watchThenable(run, result);
      return hasOwnMethods(result) ? watchAside(run, result) : settled(run, result);
    },
  });
}

async function settled(run: MeteredRun, promise: Promise<unknown>): Promise<unknown> {
  let result: unknown;
  try {
    result = await promise;
  } catch (error) {
    fail(run, error);
    throw error;
  }
  complete(run, result);
  return result;
}

function fail(run: MeteredRun, error: unknown): void {
  if (isAbort(error)) run.cancel();
  else run.fail(error);
}

function complete(run: MeteredRun, result: unknown): void {
  try {
    const stream = streamIn(result);
    if (stream !== undefined) {
      // No function here may capture the result: a stream that something holds is never seen to be given up.
      watchStream(stream, createWatcher(readingOf(run), ignore));
      return;
    }
    run.resulted?.(result);
  } catch {
    // An object that throws when it is looked at is handed on as it is.
  }
  run.complete();
}

/** Runs refuse by themselves what goes wrong in them. */
function ignore(): void {}

function readingOf(run: MeteredRun): StreamReading<undefined> {
  return {
    begin: () => undefined,
    piece() {},
    ended(_branch, { isAborted, isFailed }) {
      if (isAborted === true) run.cancel();
      else if (isFailed === true) run.fail();
      else run.complete();
    },
    failed: (error) => run.fail(error),
    left: () => run.cancel(),
  };
}

/** One that `await` asks without its `then`. */
function isNativePromise(value: PromiseLike<unknown>): value is Promise<unknown> {
  return value instanceof Promise && value.constructor === Promise && !Object.hasOwn(value, "then");
}

/** Such as `ky` hangs on what it gives: `.json()`. Another promise cannot stand for it. */
function hasOwnMethods(promise: Promise<unknown>): boolean {
  return Object.keys(promise).length > 0;
}

/**
 * The promise itself. Nobody is told any more when its rejection is handled by none; but a second promise that rejects beside it would be reported
 * where its methods have handled the first.
 */
function watchAside(run: MeteredRun, promise: Promise<unknown>): Promise<unknown> {
  promise.then(
    (result) => complete(run, result),
    (error: unknown) => fail(run, error),
  );
  return promise;
}

/**
 * A promise with more to it than a promise: a client's with methods of its own, a query that is only sent when it is awaited. It is neither replaced
 * nor asked, but watched when its caller asks. One that nobody asks, by whose methods the answer was taken in another way, ends its run as
 * cancelled when it is collected as garbage.
 */
function watchThenable(run: MeteredRun, thenable: PromiseLike<unknown>): PromiseLike<unknown> {
  const { then } = thenable;
  // Held by what stands in for `then`, and by what that hands on.
  const branch = createWatcher(readingOf(run), ignore).branch();
  const isReplaced = putBefore(
    thenable,
    "then",
    (...[kept, refused]: Parameters<PromiseLike<unknown>["then"]>): unknown =>
      Reflect.apply(then, thenable, [
        (result: unknown) => {
          complete(run, result);
          return isFunction(kept) ? kept(result) : result;
        },
        (error: unknown) => {
          branch.failed(error);
          if (isFunction(refused)) return refused(error);
          throw error;
        },
      ]),
  );
  if (!isReplaced) {
    run.complete();
    return thenable;
  }
  // By the language's own, which ask `then`.
  if ("catch" in thenable) putBefore(thenable, "catch", Promise.prototype.catch);
  if ("finally" in thenable) putBefore(thenable, "finally", Promise.prototype.finally);
  return thenable;
}
