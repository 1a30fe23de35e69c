import { expect, test } from "vitest";
import { createCore } from "../src/core.ts";
import type { PriceBook } from "../src/price-book.ts";
import { listenToDiag, startCore } from "./collecting.ts";

const target = { provider: "openai", model: "gpt-5" } as const;

function bookWith(prepare: () => void): PriceBook {
  return { name: "book", price: () => 1n, prepare };
}

test("prices are made ready when a call begins, so that no answer waits for them", async () => {
  const steps: string[] = [];
  const { core } = startCore({ priceBook: bookWith(() => steps.push("prepared")) });
  await core.llm.measure(target, () => void steps.push("asked"));
  expect(steps).toEqual(["prepared", "asked"]);
  core.llm.start(target);
  expect(steps).toEqual(["prepared", "asked", "prepared"]);
});

test("no prices are loaded in a process that records nothing", () => {
  let prepared = 0;
  const core = createCore();
  core.configure({ priceBook: bookWith(() => (prepared += 1)) });
  core.llm.start(target).complete();
  expect(prepared).toBe(0);
});

test("a price book that cannot be made ready costs no call, and is told once", async () => {
  const told = listenToDiag();
  const { core, collect } = startCore({
    priceBook: bookWith(() => {
      throw new Error("no prices");
    }),
  });
  for (let call = 0; call < 3; call++) core.llm.start(target).complete({ inputTokens: 1 });
  expect((await collect()).total("llm.requests")).toBe(3);
  expect(told.filter((line) => line.includes("no prices"))).toHaveLength(1);
});
