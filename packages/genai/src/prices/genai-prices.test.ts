import { readFileSync } from "node:fs";
import path from "node:path";
import { diag, DiagLogLevel } from "@opentelemetry/api";
import { describe, expect, onTestFinished, test } from "vitest";
import { nanoUsd, pricedCall } from "../../test/support/priced-call.ts";
import { genaiPrices, genaiPricesVersion } from "./genai-prices.ts";

const book = genaiPrices();
const million = 1_000_000;

describe("the default price book", () => {
  test("is exact beyond what a double holds: a year's tokens in one call", () => {
    // 999,999,999,999 × 1.25 + 7 × 10 per million
    const most = pricedCall("openai", "gpt-5", { inputTokens: 999_999_999_999, outputTokens: 7 });
    expect(book.price(most)).toBe(1_249_999_999_998_750n + 70_000n);
    const dear = pricedCall("openai", "o1-pro", { inputTokens: 999_999_999_999, outputTokens: 999_999_999_999 });
    expect(book.price(dear)).toBe(999_999_999_999n * 750_000n);
  });

  test.each([
    ["a model nobody knows", "openai", "house-model", {}],
    ["a provider nobody knows", "house", "gpt-5", {}],
    ["another provider's model", "openai", "claude-sonnet-4-5", {}],
    ["a tier bought as capacity", "openai", "gpt-5", { serviceTier: "scale" }],
    ["Anthropic's committed capacity", "anthropic", "claude-sonnet-4-5", { serviceTier: "priority" }],
    ["throughput that was provisioned", "gcp.vertex_ai", "gemini-2.5-pro", { serviceTier: "PROVISIONED_THROUGHPUT" }],
    ["a tier without a published figure", "aws.bedrock", "amazon.nova-pro-v1:0", { serviceTier: "priority" }],
    ["a model that priority has no price for", "openai", "gpt-5-nano", { serviceTier: "priority" }],
    [
      "a long context in a tier that excludes it",
      "openai",
      "gpt-5.5",
      { serviceTier: "priority", inputTokens: 300_000 },
    ],
    ["a Claude model in a tier of Gemini's", "gcp.vertex_ai", "claude-sonnet-4-5", { serviceTier: "flex" }],
    ["searches that nobody has a price for", "x_ai", "grok-4", { webSearches: 1 }],
    ["a model that is billed by the hour", "openai", "whisper-1", {}],
    ["output of a model that has a price for input alone", "openai", "text-embedding-3-small", { outputTokens: 1 }],
    ["a model in the list without any rate", "openai", "omni-moderation-latest", {}],
  ] as const)("gives null and never zero for %s", (_what, provider, model, used) => {
    expect(book.price(pricedCall(provider, model, { inputTokens: 1000, ...used }))).toBeNull();
  });

  test.each([
    [
      "more read from the cache than came in",
      { inputTokens: 1, cacheReadTokens: 2 },
      /cacheReadTokens exceed inputTokens/,
    ],
    ["half a token", { inputTokens: 0.5 }, /inputTokens must be a whole number/],
    ["searches below zero", { webSearches: -1 }, /webSearches must be a whole number/],
    ["tokens that are none", { outputTokens: Number.NaN }, /outputTokens must be a whole number/],
  ])("throws for %s, so that core counts it and leaves the call unpriced", (_what, used, problem) => {
    expect(() => book.price(pricedCall("openai", "gpt-5", used))).toThrow(problem);
  });

  test.each([
    [
      "more kept for an hour than was written",
      { inputTokens: 9, cacheWriteTokens: 1, cacheWriteHourTokens: 2 },
      "cacheWriteHourTokens",
    ],
    [
      "more read and written than came in",
      { inputTokens: 2, cacheReadTokens: 1, cacheWriteTokens: 2 },
      "cacheReadTokens and",
    ],
  ])("throws for %s", (_what, used, problem) => {
    expect(() => book.price(pricedCall("anthropic", "claude-sonnet-4-5", used))).toThrow(problem);
  });

  test("throws for more reasoning than output, where that has a rate of its own", () => {
    const odd = { outputTokens: 1, reasoningTokens: 2 };
    expect(() => book.price(pricedCall("perplexity", "sonar-deep-research", odd))).toThrow(
      "reasoningTokens exceed outputTokens",
    );
    // 1 × 10 per million
    expect(book.price(pricedCall("openai", "gpt-5", odd))).toBe(10_000n);
  });

  test("throws for more audio than output", () => {
    const odd = { outputTokens: 1, outputByModality: { audio: 2 } };
    expect(() => book.price(pricedCall("openai", "gpt-audio", odd))).toThrow("outputByModality exceed outputTokens");
  });

  test("takes what a model has no rate for as what it is part of, however odd the counts", () => {
    const odd = { inputTokens: million, cacheReadTokens: 2 * million, inputByModality: { audio: 3 * million } };
    // 1 × 30
    expect(book.price(pricedCall("openai", "gpt-4", odd))).toBe(nanoUsd("30"));
  });

  test("takes null, as clients without types give it, for not told", () => {
    const nothing = { responseModel: null, serviceTier: null, inputByModality: null, outputByModality: null };
    const more = { cacheReadByModality: null, cacheWriteHourTokens: null, webSearches: null };
    const given = {
      ...pricedCall("openai", "gpt-realtime", { inputTokens: 1000, cacheReadTokens: 10 }),
      ...nothing,
      ...more,
    };
    // 990 × 4 + 10 × 0.4 per million
    expect(book.price(given as never)).toBe(3_964_000n);
    const audio = { ...given, inputByModality: { audio: 1000 } };
    // 990 × 32 + 10 × 0.4 per million
    expect(book.price(audio as never)).toBe(31_684_000n);
  });

  test("knows which models it has a price for", () => {
    const known = [
      { provider: "openai", model: "gpt-5" },
      { provider: "aws.bedrock", model: "us.anthropic.claude-haiku-4-5-20251001-v1:0" },
      { provider: "openai", model: "house-model" },
      { provider: "ollama", model: "llama3" },
    ].map((model) => book.knows?.(model));
    expect(known).toEqual([true, true, false, false]);
  });

  test("tells once of a model that has no price, and of a hundred models at most", () => {
    const lines: string[] = [];
    const quiet = (): void => {};
    const logger = {
      warn: (line: string) => lines.push(line),
      error: quiet,
      info: quiet,
      debug: quiet,
      verbose: quiet,
    };
    diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
    onTestFinished(() => diag.disable());
    const fresh = genaiPrices();
    const odd = `house\n${"x".repeat(1000)}`;
    for (let round = 0; round < 3; round++) {
      fresh.price(pricedCall("openai", odd, { inputTokens: 1 }));
      fresh.price(pricedCall("openai", "gpt-5", { inputTokens: 1, serviceTier: "scale" }));
    }
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(
      /^\[meterbridge\] \[genai\] \[prices\] calls of "house\\nx{10,100}…" by "openai" are unpriced: /,
    );
    expect(lines[1]).toContain('calls of "gpt-5" by "openai" are unpriced: no rate is known for its service tier');
    for (let index = 0; index < 5000; index++) fresh.price(pricedCall("openai", `house-${index}`, { inputTokens: 1 }));
    expect(lines).toHaveLength(101);
    expect(lines.at(-1)).toContain("no more are told");
  });

  test("names the version of the prices that is really installed", () => {
    const installed = path.join(import.meta.dirname, "../../node_modules/@pydantic/genai-prices/package.json");
    expect(genaiPricesVersion).toBe((JSON.parse(readFileSync(installed, "utf8")) as { version: string }).version);
    expect(book.name).toBe(`genai-prices@${genaiPricesVersion}`);
  });
});
