import { fieldsOf } from "./usage-fields.ts";
import {
  isFunction,
  isThenable,
  putBefore,
  wasAborted,
  type BranchWatcher,
  type StreamWatcher,
} from "./stream-watcher.ts";

type Method = (this: unknown, ...parameters: unknown[]) => unknown;

/** An object that can be read by `for await`, or an iterator that is read by hand. */
export function isAsyncIterable(value: object): boolean {
  return Symbol.asyncIterator in value && isFunction(value[Symbol.asyncIterator]) && !isPage(value);
}

/** A page of a list, as the clients of OpenAI, Anthropic and Google give it: it is here already, whether or not somebody goes on to the next. */
function isPage(value: object): boolean {
  return "hasNextPage" in value && isFunction(value.hasNextPage);
}

/** Watches every reading of the iterable, which stays the object it is. */
export function watchIterable(iterable: object, watcher: StreamWatcher): void {
  // A generator is its own iterator, and may be read without asking for one.
  if ("next" in iterable && isFunction(iterable.next)) return watchIterator(iterable, iterable, watcher.branch());
  // The streams of OpenAI's and Anthropic's clients keep what makes their iterators in a field, which their other ways to read use too.
  const place =
    Object.hasOwn(iterable, "iterator") && isFunction(Reflect.get(iterable, "iterator"))
      ? "iterator"
      : Symbol.asyncIterator;
  const iterate = Reflect.get(iterable, place) as Method;
  const replaced = putBefore(iterable, place, function (this: unknown, ...parameters: unknown[]): unknown {
    const iterator = Reflect.apply(iterate, this === undefined ? iterable : this, parameters);
    if (typeof iterator === "object" && iterator !== null) watchIterator(iterator, iterable, watcher.branch());
    return iterator;
  });
  if (!replaced) watcher.branch().ended();
}

/** Watches one iterator. What its methods give is handed on when it has been looked at. */
export function watchIterator(iterator: object, stream: object, branch: BranchWatcher): void {
  const read = (result: unknown): void => {
    const { done, value } = fieldsOf(result);
    if (done === true) branch.ended({ isAborted: wasAborted(stream) });
    else branch.piece(value);
  };
  const left = (): void => branch.left();
  const isWatched = watchMethod(iterator, "next", read, (error) => branch.failed(error));
  // Whoever leaves has left, whatever comes of that.
  watchMethod(iterator, "return", left, left);
  watchMethod(iterator, "throw", left, left);
  if (!isWatched) branch.ended();
}

/** Without such a method there is nothing to watch. */
function watchMethod(
  target: object,
  name: string,
  given: (result: unknown) => void,
  failed: (error: unknown) => void,
): boolean {
  const method: unknown = Reflect.get(target, name);
  if (!isFunction(method)) return true;
  // Made once: a long stream is read piece by piece.
  const look = (value: unknown): unknown => {
    try {
      given(value);
    } catch {
      // What throws when it is looked at is the reader's to look at.
    }
    return value;
  };
  const lookAtFailure = (error: unknown): never => {
    failed(error);
    throw error;
  };
  return putBefore(target, name, function (this: unknown, ...parameters: unknown[]): unknown {
    let result: unknown;
    try {
      result = Reflect.apply(method, this, parameters);
    } catch (error) {
      failed(error);
      throw error;
    }
    return isThenable(result) ? result.then(look, lookAtFailure) : look(result);
  });
}
