import { expect, test } from "vitest";
import { usageOf } from "./llm-usage.ts";

// Answers in the shapes of openai 7 and of those who speak its language, without what is not read.
const table: readonly (readonly [name: string, result: unknown, usage: object])[] = [
  [
    "a chat completion by modality, whose cached tokens are part of the input",
    {
      model: "gpt-audio",
      usage: {
        prompt_tokens: 100,
        completion_tokens: 40,
        total_tokens: 140,
        prompt_tokens_details: { audio_tokens: 60, text_tokens: 40, cached_tokens: 32, cache_write_tokens: 8 },
        completion_tokens_details: { audio_tokens: 30, text_tokens: 10, reasoning_tokens: 0 },
      },
    },
    {
      inputTokens: 100,
      outputTokens: 40,
      cacheReadTokens: 32,
      cacheWriteTokens: 8,
      inputByModality: { audio: 60, text: 40 },
      outputByModality: { audio: 30, text: 10 },
    },
  ],
  [
    "a modality that is told to be 0, which is no more than not told",
    { usage: { prompt_tokens: 5, prompt_tokens_details: { audio_tokens: 0 } } },
    { inputTokens: 5, inputByModality: undefined },
  ],
  [
    "images, which are image tokens where the output is told in one number",
    {
      created: 1,
      quality: "high",
      output_format: "png",
      usage: {
        input_tokens: 50,
        input_tokens_details: { text_tokens: 10, image_tokens: 40 },
        output_tokens: 4160,
        total_tokens: 4210,
      },
    },
    {
      inputTokens: 50,
      outputTokens: 4160,
      inputByModality: { text: 10, image: 40 },
      outputByModality: { image: 4160 },
    },
  ],
  [
    "a transcription charged by tokens",
    {
      text: "secret",
      usage: {
        type: "tokens",
        input_tokens: 14,
        input_token_details: { text_tokens: 0, audio_tokens: 14 },
        output_tokens: 45,
        total_tokens: 59,
      },
    },
    { inputTokens: 14, outputTokens: 45, inputByModality: { audio: 14 } },
  ],
  [
    "a transcription charged by time, which has no tokens, and not 0 either",
    { text: "secret", usage: { type: "duration", seconds: 9 } },
    { inputTokens: undefined, outputTokens: undefined },
  ],
  [
    "DeepSeek, which names cache hits its own way",
    {
      model: "deepseek-chat",
      usage: { prompt_tokens: 30, completion_tokens: 5, prompt_cache_hit_tokens: 20, prompt_cache_miss_tokens: 10 },
    },
    { inputTokens: 30, outputTokens: 5, cacheReadTokens: 20 },
  ],
  [
    "Mistral's client, which renames all fields",
    { model: "mistral-large", usage: { promptTokens: 12, completionTokens: 3, totalTokens: 15 } },
    { inputTokens: 12, outputTokens: 3, responseModel: "mistral-large" },
  ],
  [
    "xAI, whose output is told without its reasoning, as its total shows",
    {
      model: "grok-4",
      usage: {
        prompt_tokens: 32,
        completion_tokens: 9,
        total_tokens: 135,
        completion_tokens_details: { reasoning_tokens: 94 },
      },
    },
    { inputTokens: 32, outputTokens: 103, reasoningTokens: 94 },
  ],
  [
    "Groq in its own place",
    { model: "llama", x_groq: { id: "req", usage: { prompt_tokens: 18, completion_tokens: 2 } } },
    { inputTokens: 18, outputTokens: 2, responseModel: "llama" },
  ],
  [
    "OpenRouter, which says what it charged",
    { model: "openai/gpt-4o", usage: { prompt_tokens: 194, completion_tokens: 2, cost: 0.95, is_byok: false } },
    { inputTokens: 194, outputTokens: 2, costUsd: 0.95 },
  ],
  [
    "OpenRouter with a key of the caller's own, for which the provider charges besides",
    {
      usage: {
        prompt_tokens: 1,
        completion_tokens: 1,
        cost: 0.25,
        is_byok: true,
        cost_details: { upstream_inference_cost: 2 },
      },
    },
    { costUsd: 2.25 },
  ],
  [
    "Perplexity, whose cost has parts and whose searches are charged by number",
    {
      model: "sonar",
      usage: { prompt_tokens: 5, completion_tokens: 9, num_search_queries: 2, cost: { total_cost: 0.006 } },
    },
    { webSearches: 2, costUsd: 0.006 },
  ],
  [
    "OpenAI's responses, of whose searches those of the web are charged for, and not the pages that it opened",
    {
      model: "gpt-5",
      output: [
        { type: "reasoning" },
        { type: "web_search_call", status: "completed", action: { type: "search", query: "secret" } },
        { type: "web_search_call", status: "completed" },
        { type: "web_search_call", status: "failed", action: { type: "search" } },
        { type: "web_search_call", status: "completed", action: { type: "open_page" } },
        { type: "web_search_call", status: "completed", action: { type: "find_in_page" } },
        { type: "file_search_call", status: "completed" },
        null,
      ],
      usage: { input_tokens: 8000, output_tokens: 90 },
    },
    { inputTokens: 8000, webSearches: 2 },
  ],
  [
    "Gemini in OpenAI's language, whose thoughts are charged for and stand in the total alone",
    { model: "gemini-2.5-flash", usage: { prompt_tokens: 20, completion_tokens: 198, total_tokens: 623 } },
    { inputTokens: 20, outputTokens: 603, reasoningTokens: 405 },
  ],
  [
    "another total that is more than its parts, which nobody has explained",
    { model: "house-1", usage: { prompt_tokens: 20, completion_tokens: 198, total_tokens: 623 } },
    { inputTokens: 20, outputTokens: 198, reasoningTokens: undefined },
  ],
  [
    "LiteLLM before Anthropic, whose cached tokens are in the input already",
    {
      usage: {
        prompt_tokens: 100,
        completion_tokens: 5,
        cache_read_input_tokens: 60,
        cache_creation_input_tokens: 10,
      },
    },
    { inputTokens: 100, cacheReadTokens: 60, cacheWriteTokens: 10 },
  ],
  [
    "a realtime answer, whose cached tokens have modalities of their own",
    {
      usage: {
        input_tokens: 90,
        input_token_details: {
          text_tokens: 30,
          audio_tokens: 60,
          cached_tokens: 64,
          cached_tokens_details: { text_tokens: 24, audio_tokens: 40 },
        },
        output_tokens: 20,
        output_token_details: { text_tokens: 5, audio_tokens: 15 },
      },
    },
    {
      inputTokens: 90,
      cacheReadTokens: 64,
      cacheReadByModality: { text: 24, audio: 40 },
      outputByModality: { text: 5, audio: 15 },
    },
  ],
];

test.each(table)("the usage of %s is read as the conventions count it", (_name, result, usage) => {
  expect(usageOf(result)).toMatchObject(usage);
});
