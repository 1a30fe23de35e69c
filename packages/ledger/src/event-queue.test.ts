import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { UsageEvent } from "@meterbridge/core";
import { expect, test } from "vitest";
import { createEventQueue } from "./event-queue.ts";

test("events come out in the order they came, whatever was taken in between", () => {
  const queue = createEventQueue(3);
  const taken: unknown[] = [];
  for (let number = 0; number < 100; number++) {
    queue.push(number as unknown as UsageEvent);
    if (number % 7 === 0) taken.push(...(queue.take() ?? []));
  }
  while (queue.length > 0) taken.push(...(queue.take() ?? []));
  expect(taken).toEqual(Array.from({ length: 100 }, (_, number) => number));
  expect(queue.take()).toBeUndefined();
});

test("events that were taken are let go of while others still wait: a store at its limit must not fill the memory", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const queue = createEventQueue(1);
  const seen: WeakRef<object>[] = [];
  for (let number = 0; number < 1000; number++) {
    const event = { number };
    seen.push(new WeakRef(event));
    queue.push(event as unknown as UsageEvent);
    // One always waits, as where events come as fast as they go.
    if (number > 0) queue.take();
  }
  // References are kept alive until the turn of the event loop in which they were made is over.
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  expect(seen.filter((reference) => reference.deref() !== undefined).length).toBeLessThan(10);
  expect(queue.length).toBe(1);
});
