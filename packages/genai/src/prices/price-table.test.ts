import type { PricedCall } from "@meterbridge/core";
import { expect, test } from "vitest";
import { nanoUsd, pricedCall } from "../../test/support/priced-call.ts";
import { genaiPrices } from "./genai-prices.ts";

const book = genaiPrices();
const million = 1_000_000;

// Each sum is by hand, from the providers' price lists: millions of tokens × USD per million.
const cases: readonly (readonly [
  what: string,
  provider: string,
  model: string,
  used: Partial<PricedCall>,
  usd: string,
])[] = [
  // 0.5 × 1.25 + 0.5 × 0.125 + 0.1 × 10
  [
    "OpenAI, cached input",
    "openai",
    "gpt-5",
    { inputTokens: million, cacheReadTokens: 500_000, outputTokens: 100_000 },
    "1.6875",
  ],
  // 0.001 × 1.25 + 0.002 × 10: reasoning is output
  ["OpenAI, reasoning", "openai", "gpt-5", { inputTokens: 1000, outputTokens: 2000, reasoningTokens: 1900 }, "0.02125"],
  // (0.5 × 1.25 + 0.5 × 0.125 + 0.1 × 10) ÷ 2
  [
    "OpenAI, flex",
    "openai",
    "gpt-5",
    { inputTokens: million, cacheReadTokens: 500_000, outputTokens: 100_000, serviceTier: "flex" },
    "0.84375",
  ],
  // (1 × 2 + 1 × 8) ÷ 2
  ["OpenAI, batch", "openai", "o3", { inputTokens: million, outputTokens: million, serviceTier: "batch" }, "5"],
  // 1 × 2.5 + 1 × 20
  [
    "OpenAI, priority",
    "openai",
    "gpt-5",
    { inputTokens: million, outputTokens: million, serviceTier: "priority" },
    "22.5",
  ],
  // 1 × 0.25 + 1 × 1: five thirds of 0.15 and 0.6
  [
    "OpenAI, priority of a snapshot",
    "openai",
    "gpt-4o-mini",
    { inputTokens: million, outputTokens: million, serviceTier: "priority", responseModel: "gpt-4o-mini-2024-07-18" },
    "1.25",
  ],
  // 1 × 8 + 1 × 40, by the name of today
  [
    "OpenAI, fast mode",
    "openai",
    "gpt-5.6-sol",
    { inputTokens: 100_000, outputTokens: million, serviceTier: "fast" },
    "40.8",
  ],
  // 0.4 × 2.5 + 0.6 × 32 + 0.1 × 10 + 0.9 × 64
  [
    "OpenAI, audio",
    "openai",
    "gpt-audio",
    {
      inputTokens: million,
      inputByModality: { text: 400_000, audio: 600_000 },
      outputTokens: million,
      outputByModality: { text: 100_000, audio: 900_000 },
    },
    "78.8",
  ],
  // text 0.3 × 4 + 0.2 × 0.4, audio 0.4 × 32 + 0.1 × 0.4
  [
    "OpenAI, cached audio",
    "openai",
    "gpt-realtime",
    {
      inputTokens: million,
      inputByModality: { text: 500_000, audio: 500_000 },
      cacheReadTokens: 300_000,
      cacheReadByModality: { text: 200_000, audio: 100_000 },
    },
    "14.12",
  ],
  // The cache is taken to hold text as far as there is any: audio 0.9 × 32 + 0.05 × 0.4 (of 0.95), text 0.05 × 0.4
  [
    "OpenAI, cached, nobody says what",
    "openai",
    "gpt-realtime",
    { inputTokens: million, inputByModality: { text: 50_000, audio: 950_000 }, cacheReadTokens: 100_000 },
    "28.84",
  ],
  // 2 searches at 10 per thousand, in full also where tokens cost half: 0.02 + (1 × 2 + 0) ÷ 2
  ["OpenAI, web searches", "openai", "gpt-4.1", { inputTokens: million, webSearches: 2, serviceTier: "flex" }, "1.02"],
  // 2 searches at 14 per thousand; 1 answer with any at 35 per thousand
  ["Gemini 3, searches", "gcp.gemini", "gemini-3-pro-preview", { webSearches: 2 }, "0.028"],
  ["Gemini 2.5, searches", "gcp.vertex_ai", "gemini-2.5-flash", { webSearches: 1 }, "0.035"],
  // 1 × 0.02
  ["OpenAI, embeddings", "openai", "text-embedding-3-small", { inputTokens: million }, "0.02"],
  // 0.5 × 3 + 0.3 × 0.3 + 0.2 × 3.75 + 0.1 × 15, the list as of sonnet 4.6
  [
    "Anthropic, cache read and written",
    "anthropic",
    "claude-sonnet-4-6",
    { inputTokens: million, cacheReadTokens: 300_000, cacheWriteTokens: 200_000, outputTokens: 100_000 },
    "3.84",
  ],
  // 0.5 × 3 + 0.3 × 0.3 + 0.15 × 3.75 + 0.05 × 6 + 0.1 × 15
  [
    "Anthropic, cache kept an hour",
    "anthropic",
    "claude-sonnet-4-6",
    {
      inputTokens: million,
      cacheReadTokens: 300_000,
      cacheWriteTokens: 200_000,
      cacheWriteHourTokens: 50_000,
      outputTokens: 100_000,
    },
    "3.9525",
  ],
  // Above 200 k: 0.3 × 6 + 0.5 × 0.6 + 0.2 × 7.5 + 0.1 × 22.5
  [
    "Anthropic, long context",
    "anthropic",
    "claude-sonnet-4-5",
    { inputTokens: million, cacheReadTokens: 500_000, cacheWriteTokens: 200_000, outputTokens: 100_000 },
    "5.85",
  ],
  // 0.2 × 3 + 0.1 × 15: 200,000 is not above
  [
    "Anthropic, just no long context",
    "anthropic",
    "claude-sonnet-4-5",
    { inputTokens: 200_000, outputTokens: 100_000 },
    "2.1",
  ],
  // (1 × 1 + 1 × 5) ÷ 2
  [
    "Anthropic, batch",
    "anthropic",
    "claude-haiku-4-5",
    { inputTokens: million, outputTokens: million, serviceTier: "batch" },
    "3",
  ],
  // 0.1 × 3 + 3 × 0.01
  [
    "Anthropic, web searches",
    "anthropic",
    "claude-sonnet-4-5",
    { inputTokens: 100_000, webSearches: 3, serviceTier: "standard" },
    "0.33",
  ],
  // 0.2 × 1.25 + 0.01 × 10
  ["Gemini, short", "gcp.gemini", "gemini-2.5-pro", { inputTokens: 200_000, outputTokens: 10_000 }, "0.35"],
  // 0.200001 × 2.5 + 0.01 × 15: all of the call
  [
    "Gemini, one token longer",
    "gcp.gemini",
    "gemini-2.5-pro",
    { inputTokens: 200_001, outputTokens: 10_000 },
    "0.6500025",
  ],
  // 0.2 × 0.3 + 0.8 × 0.03 + 0.3 × 2.5, of which 0.2 were thoughts
  [
    "Gemini, cached and thoughts",
    "gcp.gen_ai",
    "models/gemini-2.5-flash",
    { inputTokens: million, cacheReadTokens: 800_000, outputTokens: 300_000, reasoningTokens: 200_000 },
    "0.834",
  ],
  // 0.1 × 0.3 + 0.9 × 1
  [
    "Gemini, audio",
    "gcp.vertex_ai",
    "gemini-2.5-flash",
    { inputTokens: million, inputByModality: { text: 100_000, audio: 900_000 } },
    "0.93",
  ],
  // 0.001 × 2.5 + 0.00129 × 30
  [
    "Gemini, an image made",
    "gcp.gemini",
    "gemini-2.5-flash-image",
    { outputTokens: 2290, outputByModality: { text: 1000, image: 1290 } },
    "0.0412",
  ],
  // (0.1 × 1.25) ÷ 2
  [
    "Gemini, flex",
    "gcp.vertex_ai",
    "gemini-2.5-pro",
    { inputTokens: 100_000, serviceTier: "ON_DEMAND_FLEX" },
    "0.0625",
  ],
  // 0.04 × 1.25 ÷ 2 + 0.06 × 0.125: what is read from the cache is not halved again
  [
    "Gemini, batch with a cache",
    "gcp.vertex_ai",
    "gemini-2.5-pro",
    { inputTokens: 100_000, cacheReadTokens: 60_000, serviceTier: "batch" },
    "0.0325",
  ],
  // 1 × 1.1 + 1 × 5.5: in a region a tenth dearer
  [
    "Bedrock, in a region",
    "aws.bedrock",
    "eu.anthropic.claude-haiku-4-5-20251001-v1:0",
    { inputTokens: million, outputTokens: million },
    "6.6",
  ],
  // 1 × 1 + 1 × 5
  [
    "Bedrock, anywhere, by its ARN",
    "aws.bedrock",
    "arn:aws:bedrock:us-east-1:123456789012:inference-profile/global.anthropic.claude-haiku-4-5-20251001-v1:0",
    { inputTokens: million, outputTokens: million },
    "6",
  ],
  // 1 × 5.5 + 1 × 27.5: a name that the list knows as a whole alone
  [
    "Bedrock, in a region, by its ARN",
    "aws.bedrock",
    "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-opus-5",
    { inputTokens: million, outputTokens: million },
    "33",
  ],
  // 0.1 × 2 × 1.1, twice the input's rate
  [
    "Bedrock, cache kept an hour",
    "aws.bedrock",
    "us.anthropic.claude-haiku-4-5-20251001-v1:0",
    { inputTokens: 100_000, cacheWriteTokens: 100_000, cacheWriteHourTokens: 100_000 },
    "0.22",
  ],
  // (1 × 0.8 + 1 × 3.2) ÷ 2
  [
    "Bedrock, flex",
    "aws.bedrock",
    "amazon.nova-pro-v1:0",
    { inputTokens: million, outputTokens: million, serviceTier: "flex" },
    "2",
  ],
  // 1 × 1.25 + 1 × 10, by what answered: the deployment's name says nothing
  [
    "Azure, a deployment",
    "azure.ai.openai",
    "our-deployment",
    { inputTokens: million, outputTokens: million, responseModel: "gpt-5-2025-08-07" },
    "11.25",
  ],
  // 1 × 2 + 1 × 6
  ["Mistral", "mistral_ai", "mistral-large-latest", { inputTokens: million, outputTokens: million }, "8"],
  // (1 × 2 + 1 × 6) ÷ 2
  [
    "Mistral, batch",
    "mistral_ai",
    "mistral-large-latest",
    { inputTokens: million, outputTokens: million, serviceTier: "batch" },
    "4",
  ],
  // 1 × 0.59 + 1 × 0.79: flex costs the same
  [
    "Groq, flex",
    "groq",
    "llama-3.3-70b-versatile",
    { inputTokens: million, outputTokens: million, serviceTier: "flex" },
    "1.38",
  ],
  // 1 × 0.59 + 1 × 0.79
  [
    "Groq, on demand",
    "groq",
    "llama-3.3-70b-versatile",
    { inputTokens: million, outputTokens: million, serviceTier: "on_demand" },
    "1.38",
  ],
  // A call 0.014, and 0.1 × 3 + 0.1 × 15
  ["Perplexity, by the request", "perplexity", "sonar-pro", { inputTokens: 100_000, outputTokens: 100_000 }, "1.814"],
  // 0.1 × 2 + 0.05 × 3 (reasoning) + 0.05 × 8
  [
    "Perplexity, reasoning apart",
    "perplexity",
    "sonar-deep-research",
    { inputTokens: 100_000, outputTokens: 100_000, reasoningTokens: 50_000 },
    "0.75",
  ],
  [
    "OpenRouter, free by its name",
    "openrouter",
    "openai/gpt-oss-20b:free",
    { inputTokens: million, outputTokens: million },
    "0",
  ],
  // From 2025-06-10 on a fifth: 1 × 2
  ["a price that has changed since, today", "openai", "o3", { inputTokens: million }, "2"],
  // 1 × 10
  [
    "a price that has changed since, then",
    "openai",
    "o3",
    { inputTokens: million, occurredAt: new Date("2025-05-01T12:00:00Z") },
    "10",
  ],
  [
    "a price on its last millisecond",
    "openai",
    "o3",
    { inputTokens: million, occurredAt: new Date("2025-06-09T23:59:59.999Z") },
    "10",
  ],
  [
    "a price on its first millisecond",
    "openai",
    "o3",
    { inputTokens: million, occurredAt: new Date("2025-06-10T00:00:00Z") },
    "2",
  ],
  // 1 × 0.27 by day, 1 × 0.135 from 16:30 to 00:30
  [
    "DeepSeek by day",
    "deepseek",
    "deepseek-chat",
    { inputTokens: million, occurredAt: new Date("2026-01-05T16:29:59.999Z") },
    "0.27",
  ],
  [
    "DeepSeek off-peak",
    "deepseek",
    "deepseek-chat",
    { inputTokens: million, occurredAt: new Date("2026-01-05T16:30:00Z") },
    "0.135",
  ],
  [
    "DeepSeek off-peak after midnight",
    "deepseek",
    "deepseek-chat",
    { inputTokens: million, occurredAt: new Date("2026-01-06T00:29:59.999Z") },
    "0.135",
  ],
  [
    "a call of one token, where a float of dollars would show nothing",
    "openai",
    "gpt-5",
    { inputTokens: 1 },
    "0.00000125",
  ],
  // 3 × 0.003625 = 0.010875 nano-USD per thousandth: 1000 × 0.003625 = 3.625 nano-USD, rounded once
  [
    "less than a nano-dollar a token",
    "deepseek",
    "deepseek-v4-pro",
    { inputTokens: 1, cacheReadTokens: 1, occurredAt: new Date("2026-08-01T12:00:00Z") },
    "0.000000004",
  ],
  [
    "the model that answered before the alias asked for",
    "openai",
    "gpt-5",
    { inputTokens: million, responseModel: "gpt-5-mini-2025-08-07" },
    "0.25",
  ],
  [
    "the model asked for where the answering one is unknown",
    "openai",
    "gpt-5",
    { inputTokens: million, responseModel: "house-router" },
    "1.25",
  ],
];

test.each(cases)("the default price book prices %s", (_what, provider, model, used, usd) => {
  const priced = pricedCall(provider, model, used);
  expect(book.price(priced)).toBe(nanoUsd(usd));
  // And from its cache.
  expect(book.price(priced)).toBe(nanoUsd(usd));
});
