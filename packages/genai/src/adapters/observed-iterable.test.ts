import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test, vi } from "vitest";
import { observeIterable } from "./observed-iterable.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Counts from 1 to 3. Its iterators lead back to nothing. */
function observed(): { iterable: AsyncIterable<unknown>; told: string[] } {
  const told: string[] = [];
  const iterable: AsyncIterable<unknown> = {
    [Symbol.asyncIterator]() {
      let count = 0;
      return {
        next: async () => (count < 3 ? { done: false, value: (count += 1) } : { done: true, value: undefined }),
      };
    },
  };
  observeIterable(iterable, {
    part: (part) => void told.push(String(part)),
    end: () => void told.push("end"),
    fail: () => void told.push("fail"),
    cancel: () => void told.push("cancel"),
  });
  return { iterable, told };
}

test("a stream that is read by its iterator alone is not taken for one that nobody reads", async () => {
  const { reading, told } = ((): { reading: AsyncIterator<unknown>; told: string[] } => {
    const { iterable, told: heard } = observed();
    return { reading: iterable[Symbol.asyncIterator](), told: heard };
  })();
  await reading.next();
  // Until another that nobody holds was collected, so would this one have been.
  const { told: forgotten } = observed();
  await vi.waitFor(
    () => {
      collectGarbage();
      expect(forgotten).toEqual(["cancel"]);
    },
    { timeout: 20_000, interval: 5 },
  );
  for (let turn = 0; turn < 3; turn += 1) await reading.next();
  expect(told).toEqual(["1", "2", "3", "end"]);
});

test("only the first reading counts, and the others read the same", async () => {
  const { iterable, told } = observed();
  for (let round = 0; round < 2; round += 1) {
    const read: unknown[] = [];
    for await (const part of iterable) read.push(part);
    expect(read).toEqual([1, 2, 3]);
  }
  expect(told).toEqual(["1", "2", "3", "end"]);
});

test("an error that the reader throws into it ends it, and comes back", async () => {
  const { iterable, told } = observed();
  const reading = iterable[Symbol.asyncIterator]();
  await reading.next();
  const thrown = new Error("enough");
  await expect(reading.throw!(thrown)).rejects.toBe(thrown);
  await expect(iterable[Symbol.asyncIterator]().next()).resolves.toEqual({ done: false, value: 1 });
  expect(told).toEqual(["1", "cancel"]);
});
