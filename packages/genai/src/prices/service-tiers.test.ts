import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { genaiPrices } from "./genai-prices.ts";
import { servedTier, tierFactor, tierFigures } from "./service-tiers.ts";

const book = genaiPrices();

/** USD per million tokens of input, cached input and output: the page of https://openai.com/api-fast-mode/. */
const published: readonly (readonly [
  model: string,
  input: number,
  cached: number | undefined,
  output: number,
  on?: string,
])[] = [
  // As it was before the standard price fell on 2026-08-21, and the page with it.
  ["gpt-5.6-sol", 10, 1, 60, "2026-08-01"],
  ["gpt-5.6-terra", 4, 0.4, 24],
  ["gpt-5.6-luna", 0.4, 0.04, 2.4],
  ["gpt-5.5", 12.5, 1.25, 75],
  ["gpt-5.4-mini", 1.5, 0.15, 9],
  ["gpt-5.4", 5, 0.5, 30],
  ["gpt-5.2", 3.5, 0.35, 28],
  ["gpt-5.1", 2.5, 0.25, 20],
  ["gpt-5", 2.5, 0.25, 20],
  ["gpt-5-mini", 0.45, 0.045, 3.6],
  ["gpt-5.1-codex", 2.5, 0.25, 20],
  ["gpt-5-codex", 2.5, 0.25, 20],
  ["gpt-4.1", 3.5, 0.875, 14],
  ["gpt-4.1-mini", 0.7, 0.175, 2.8],
  ["gpt-4.1-nano", 0.2, 0.05, 0.8],
  ["gpt-4o-2024-11-20", 4.25, 2.125, 17],
  ["gpt-4o-2024-08-06", 4.25, 2.125, 17],
  ["gpt-4o-2024-05-13", 8.75, undefined, 26.25],
  ["gpt-4o-mini", 0.25, 0.125, 1],
  ["o3", 3.5, 0.875, 14],
  ["o4-mini", 2, 0.5, 8],
];

const prices = published.map(([model, input, cached, output, on = "2026-11-01"]) => ({
  model,
  input,
  cached,
  output,
  on,
}));

test.each(prices)(
  "OpenAI's priority tier costs for $model what OpenAI publishes",
  ({ model, input, cached, output, on }) => {
    const none = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 };
    const call = { ...none, provider: "openai", model, serviceTier: "priority", occurredAt: new Date(on) };
    // A tenth of a million: no long context.
    const tenth = 100_000;
    const nanoUsd = (perMillion: number): bigint => BigInt(Math.round(perMillion * 1e8));
    expect(book.price({ ...call, inputTokens: tenth })).toBe(nanoUsd(input));
    expect(book.price({ ...call, outputTokens: tenth })).toBe(nanoUsd(output));
    if (cached !== undefined) {
      expect(book.price({ ...call, inputTokens: tenth, cacheReadTokens: tenth })).toBe(nanoUsd(cached));
    }
  },
);

test.each(["standard", "default", "auto", "on_demand", "ON_DEMAND", "", null, undefined])(
  "%j is the standard tier",
  (tier) => {
    expect(servedTier(tier)).toBeUndefined();
    expect(tierFactor("anybody", "any-model", servedTier(tier))).toEqual({ numerator: 1, denominator: 1 });
  },
);

test("a tier is known by every name that a provider gives it", () => {
  expect(["fast", "Priority", "ON_DEMAND_PRIORITY", "ON_DEMAND_FLEX", "FLEX", "batch"].map(servedTier)).toEqual([
    "priority",
    "priority",
    "priority",
    "flex",
    "flex",
    "batch",
  ]);
});

test.each([
  "constructor",
  "__proto__",
  "toString",
  "scale",
  "performance",
  "reserved",
  "provisioned_throughput",
  "turbo",
])("a tier called %s has no figure, and is never taken for standard", (tier) => {
  for (const provider of ["openai", "anthropic", "google", "aws", "azure", "groq", "mistral", "house"]) {
    expect(tierFactor(provider, "gpt-5", servedTier(tier))).toBeUndefined();
  }
});

test("a model called like a part of JavaScript has no figure", () => {
  for (const model of ["constructor", "__proto__", "hasOwnProperty"])
    expect(tierFactor("openai", model, "priority")).toBeUndefined();
});

test("every figure tells its source and when that was read, in the documentation too", () => {
  const docs = readFileSync(path.join(import.meta.dirname, "../../../../docs/prices.md"), "utf8");
  for (const { source } of tierFigures) {
    expect(source).toMatch(/: .*\(20\d\d-\d\d\)$/);
    expect(docs).toContain(/^[^,:]+/.exec(source)?.[0]);
  }
});
