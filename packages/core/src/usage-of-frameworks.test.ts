import { expect, test } from "vitest";
import { usageOf } from "./llm-usage.ts";

// Results in the shapes of ai 5, 6 and 7 and of @langchain/core 1, without what is not read.
const table: readonly (readonly [name: string, result: unknown, usage: object])[] = [
  [
    "the AI SDK 5, of all steps instead of the last",
    {
      usage: { inputTokens: 1, outputTokens: 1, totalTokens: 2 },
      totalUsage: { inputTokens: 30, outputTokens: 12, totalTokens: 42, reasoningTokens: 4, cachedInputTokens: 20 },
      response: { modelId: "gpt-5-2026", messages: ["secret"] },
      providerMetadata: { openai: { serviceTier: "flex" } },
    },
    {
      inputTokens: 30,
      outputTokens: 12,
      cacheReadTokens: 20,
      reasoningTokens: 4,
      responseModel: "gpt-5-2026",
      serviceTier: "flex",
    },
  ],
  [
    "the AI SDK 5 before Anthropic, which hands on cached tokens beside the input",
    {
      usage: { inputTokens: 10, outputTokens: 7, totalTokens: 17, cachedInputTokens: 200 },
      providerMetadata: { anthropic: { usage: { input_tokens: 10 }, cacheCreationInputTokens: 30 } },
    },
    { inputTokens: 240, cacheReadTokens: 200, cacheWriteTokens: 30 },
  ],
  [
    "the AI SDK 5 before Gemini, which hands on the output without its thoughts",
    { usage: { inputTokens: 10, outputTokens: 7, totalTokens: 37, reasoningTokens: 20 } },
    { inputTokens: 10, outputTokens: 27, reasoningTokens: 20 },
  ],
  [
    "the AI SDK 6 and 7, which include cached tokens for every provider",
    {
      usage: {
        inputTokens: 100,
        inputTokenDetails: { noCacheTokens: 10, cacheReadTokens: 60, cacheWriteTokens: 30 },
        outputTokens: 20,
        outputTokenDetails: { textTokens: 15, reasoningTokens: 5 },
        totalTokens: 120,
      },
      response: { modelId: "claude" },
      providerMetadata: { anthropic: { usage: {}, cacheCreationInputTokens: 30 } },
    },
    {
      inputTokens: 100,
      outputTokens: 20,
      cacheReadTokens: 60,
      cacheWriteTokens: 30,
      reasoningTokens: 5,
      responseModel: "claude",
    },
  ],
  [
    "a model of the AI SDK 6 and 7",
    {
      usage: {
        inputTokens: { total: 100, noCache: 10, cacheRead: 60, cacheWrite: 30 },
        outputTokens: { total: 20, text: 15, reasoning: 5 },
      },
    },
    { inputTokens: 100, outputTokens: 20, cacheReadTokens: 60, cacheWriteTokens: 30, reasoningTokens: 5 },
  ],
  ["the AI SDK's embeddings", { embedding: [1], usage: { tokens: 12 } }, { inputTokens: 12, outputTokens: undefined }],
  [
    "a message of LangChain",
    {
      content: "secret",
      usage_metadata: {
        input_tokens: 350,
        output_tokens: 240,
        total_tokens: 590,
        input_token_details: { audio: 10, cache_creation: 200, cache_read: 100 },
        output_token_details: { audio: 10, reasoning: 200 },
      },
      response_metadata: { model_name: "gpt-5", service_tier: "priority", usage: { prompt_tokens: 350 } },
    },
    {
      inputTokens: 350,
      outputTokens: 240,
      cacheReadTokens: 100,
      cacheWriteTokens: 200,
      reasoningTokens: 200,
      inputByModality: { audio: 10 },
      responseModel: "gpt-5",
      serviceTier: "priority",
    },
  ],
];

test.each(table)("the usage of %s is read as the conventions count it", (_name, result, usage) => {
  expect(usageOf(result)).toMatchObject(usage);
});
