import { createRequire } from "node:module";
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { genaiPrices } from "./genai-prices.ts";

const call = {
  provider: "openai",
  model: "gpt-5",
  inputTokens: 1,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  reasoningTokens: 0,
  occurredAt: new Date("2026-11-01T12:00:00Z"),
};

function isLoaded(): boolean {
  return Object.keys(createRequire(import.meta.url).cache).some((file) => file.includes("genai-prices"));
}

test("the half megabyte of prices is not loaded at start, but before the first priced call or with it", async () => {
  const book = genaiPrices();
  const own = { provider: "house", model: "house-1", perMillionTokens: { input: 1 } };
  const withOwn = genaiPrices({ overrides: { prices: [own] } });
  expect(withOwn.price({ ...call, ...own })).toBe(1000n);
  await nextTurn();
  expect(isLoaded()).toBe(false);

  book.prepare?.();
  book.prepare?.();
  expect(isLoaded()).toBe(false);
  await nextTurn();
  await nextTurn();
  expect(isLoaded()).toBe(true);
  expect(book.price(call)).toBe(1250n);
  book.prepare?.();
});
