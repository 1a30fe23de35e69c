import { layOver } from "../fetch/own-property.ts";
import type { StreamObserver } from "./observed-stream.ts";

/** Looks at what is read from the iterable, which stays the same object. The first reading counts. */
export function observeIterable(iterable: AsyncIterable<unknown>, observer: StreamObserver<unknown>): void {
  const iterate = iterable[Symbol.asyncIterator];
  let isRead = false;
  layOver(iterable, Symbol.asyncIterator, function (this: AsyncIterable<unknown>) {
    const iterator = iterate.call(this);
    if (isRead) return iterator;
    isRead = true;
    const observed = observeIterator(iterator, observer);
    // Whoever reads may hold nothing but the iterator.
    heldBy.set(observed, iterable);
    return observed;
  });
  unread.register(iterable, observer);
}

/** Nobody reads what cannot be reached any more. What was read to its end has told so already. */
const unread = new FinalizationRegistry<StreamObserver<unknown>>((observer) => observer.cancel());

const heldBy = new WeakMap<object, object>();

function observeIterator(
  iterator: AsyncIterator<unknown>,
  observer: StreamObserver<unknown>,
): AsyncIterableIterator<unknown> {
  const observed: AsyncIterableIterator<unknown> = {
    async next(...given) {
      try {
        const result = await iterator.next(...given);
        if (result.done === true) observer.end();
        else observer.part(result.value);
        return result;
      } catch (error) {
        observer.fail(error);
        throw error;
      }
    },
    async return(value) {
      try {
        return (await iterator.return?.(value)) ?? { done: true, value };
      } finally {
        observer.cancel();
      }
    },
    async throw(error) {
      try {
        if (iterator.throw !== undefined) return await iterator.throw(error);
        throw error;
      } finally {
        observer.cancel();
      }
    },
    [Symbol.asyncIterator]: () => observed,
  };
  return observed;
}
