import { readFileSync } from "node:fs";
import path from "node:path";
import type { PricedCall } from "@meterbridge/core";
import { describe, expect, test } from "vitest";
import { genaiPrices, genaiPricesVersion } from "./genai-prices.ts";

const book = genaiPrices();

function call(provider: string, model: string, tokens: Partial<PricedCall>): PricedCall {
  return {
    provider,
    model,
    inputTokens: 0,
    outputTokens: 0,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    reasoningTokens: 0,
    occurredAt: new Date("2026-11-01T12:00:00Z"),
    ...tokens,
  };
}

describe("the default price book", () => {
  // By hand from the providers' lists: 0.5 M × $1.25 + 0.5 M × $0.125 + 0.1 M × $10 = $1.6875.
  test("prices cached input at its own rate", () => {
    const tokens = { inputTokens: 1_000_000, cacheReadTokens: 500_000, outputTokens: 100_000 };
    expect(book.price(call("openai", "gpt-5", tokens))).toBe(1_687_500_000n);
  });

  // Above 200 k tokens the long-context rates hold: 0.3 M × $6 + 0.5 M × $0.6 + 0.2 M × $7.5 + 0.1 M × $22.5 = $5.85.
  test("prices cache reads, cache writes and long contexts apart", () => {
    const tokens = {
      inputTokens: 1_000_000,
      cacheReadTokens: 500_000,
      cacheWriteTokens: 200_000,
      outputTokens: 100_000,
    };
    expect(book.price(call("anthropic", "claude-sonnet-4-5", tokens))).toBe(5_850_000_000n);
  });

  test("prices a call of one token, where a float of dollars would show nothing", () => {
    expect(book.price(call("openai", "gpt-5", { inputTokens: 1 }))).toBe(1_250n);
  });

  test("goes by the time of the call when a price has changed since", () => {
    const then = call("openai", "o3", { inputTokens: 1_000_000, occurredAt: new Date("2025-05-01T12:00:00Z") });
    const now = call("openai", "o3", { inputTokens: 1_000_000 });
    expect([book.price(then), book.price(now)]).toEqual([10_000_000_000n, 2_000_000_000n]);
  });

  test("prices the model that answered before the alias that was asked for", () => {
    const asked = call("openai", "gpt-5", { inputTokens: 1_000_000, responseModel: "gpt-5-mini-2025-08-07" });
    expect(book.price(asked)).toBe(250_000_000n);
  });

  test("falls back to the model asked for when the answering one is unknown", () => {
    const asked = call("openai", "gpt-5", { inputTokens: 1_000_000, responseModel: "house-router" });
    expect(book.price(asked)).toBe(1_250_000_000n);
  });

  test("knows providers by the names of the conventions", () => {
    expect(book.price(call("gcp.gemini", "gemini-2.5-pro", { inputTokens: 1000 }))).toBe(1_250_000n);
    expect(book.price(call("azure.ai.openai", "gpt-5", { inputTokens: 1000 }))).toBe(1_250_000n);
  });

  test.each([
    ["a model nobody knows", "openai", "house-model"],
    ["a provider nobody knows", "house", "gpt-5"],
    ["another provider's model", "openai", "claude-sonnet-4-5"],
  ])("gives null and never zero for %s", (_what, provider, model) => {
    expect(book.price(call(provider, model, { inputTokens: 1000, outputTokens: 1000 }))).toBeNull();
  });

  test("throws for usage that cannot be, so that core counts it and leaves the call unpriced", () => {
    expect(() => book.price(call("openai", "gpt-5", { inputTokens: 1, cacheReadTokens: 2 }))).toThrow(
      /cache_read_tokens/,
    );
  });

  test("names the version of the prices that is really installed", () => {
    const installed = path.join(import.meta.dirname, "../node_modules/@pydantic/genai-prices/package.json");
    expect(genaiPricesVersion).toBe((JSON.parse(readFileSync(installed, "utf8")) as { version: string }).version);
    expect(book.name).toBe(`genai-prices@${genaiPricesVersion}`);
  });
});
