import { expect, test } from "vitest";
import { usageOf } from "./llm-usage.ts";

// Answers in the shapes of @anthropic-ai/sdk 1, @google/genai 3, @aws-sdk/client-bedrock-runtime 3, ollama 0.6 and cohere-ai, without what is not read.
const table: readonly (readonly [name: string, result: unknown, usage: object])[] = [
  [
    "Anthropic with a cache that is kept for an hour, thinking and searches",
    {
      model: "claude-opus-5",
      usage: {
        input_tokens: 10,
        output_tokens: 700,
        cache_read_input_tokens: 200,
        cache_creation_input_tokens: 30,
        cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 },
        output_tokens_details: { thinking_tokens: 512 },
        server_tool_use: { web_search_requests: 3, web_fetch_requests: 0 },
        service_tier: "batch",
        speed: "standard",
      },
    },
    {
      inputTokens: 240,
      outputTokens: 700,
      cacheReadTokens: 200,
      cacheWriteTokens: 30,
      cacheWriteHourTokens: 20,
      reasoningTokens: 512,
      webSearches: 3,
      serviceTier: "batch",
    },
  ],
  [
    "Anthropic after shortening its context on the way, which is charged for beside the totals",
    {
      model: "claude-opus-5",
      usage: {
        input_tokens: 10,
        output_tokens: 7,
        cache_read_input_tokens: 0,
        cache_creation_input_tokens: 5,
        cache_creation: { ephemeral_5m_input_tokens: 5, ephemeral_1h_input_tokens: 0 },
        iterations: [
          {
            type: "compaction",
            input_tokens: 180_000,
            output_tokens: 3500,
            cache_read_input_tokens: 100,
            cache_creation_input_tokens: 30,
            cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 },
          },
          { type: "message", input_tokens: 10, output_tokens: 7 },
          null,
        ],
      },
    },
    {
      inputTokens: 180_145,
      outputTokens: 3507,
      cacheReadTokens: 100,
      cacheWriteTokens: 35,
      cacheWriteHourTokens: 20,
    },
  ],
  [
    "Bedrock's Converse as it comes over the wire, without a cache, in a tier that costs half",
    {
      output: {},
      stopReason: "end_turn",
      usage: { inputTokens: 5, outputTokens: 6, totalTokens: 11 },
      serviceTier: { type: "flex" },
    },
    { inputTokens: 5, outputTokens: 6, serviceTier: "flex" },
  ],
  [
    "Gemini 2.5, whose searches are charged for once an answer",
    {
      modelVersion: "gemini-2.5-flash",
      candidates: [{ groundingMetadata: { webSearchQueries: ["one", "two"] } }],
      usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1 },
    },
    { webSearches: 1 },
  ],
  [
    "Gemini 3, each of whose searches is charged for, once, and none that is empty",
    {
      modelVersion: "gemini-3-flash-preview",
      candidates: [{ groundingMetadata: { webSearchQueries: ["", "one", "two", "", "one"] } }, {}, null],
      usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1 },
    },
    { webSearches: 2 },
  ],
  [
    "Gemini that was given its search and did not use it",
    {
      modelVersion: "gemini-3-flash-preview",
      candidates: [{ groundingMetadata: { webSearchQueries: [""] } }],
      usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1 },
    },
    { webSearches: undefined },
  ],
  [
    "Anthropic's fast mode, which costs more than its tier says",
    { model: "claude", usage: { input_tokens: 1, output_tokens: 1, cache_creation: null, speed: "fast" } },
    { inputTokens: 1, serviceTier: "fast" },
  ],
  [
    "Gemini, whose thoughts come beside its output and whose tools' results come beside its prompt",
    {
      modelVersion: "gemini-3-flash",
      usageMetadata: {
        promptTokenCount: 100,
        cachedContentTokenCount: 60,
        candidatesTokenCount: 20,
        thoughtsTokenCount: 30,
        toolUsePromptTokenCount: 7,
        totalTokenCount: 157,
        promptTokensDetails: [
          { modality: "TEXT", tokenCount: 80 },
          { modality: "IMAGE", tokenCount: 20 },
        ],
        toolUsePromptTokensDetails: [{ modality: "TEXT", tokenCount: 7 }],
        cacheTokensDetails: [{ modality: "TEXT", tokenCount: 60 }],
        candidatesTokensDetails: [{ modality: "AUDIO", tokenCount: 20 }],
        trafficType: "ON_DEMAND_PRIORITY",
      },
    },
    {
      inputTokens: 107,
      outputTokens: 50,
      cacheReadTokens: 60,
      reasoningTokens: 30,
      inputByModality: { text: 87, image: 20 },
      cacheReadByModality: { text: 60 },
      outputByModality: { text: 30, audio: 20 },
      responseModel: "gemini-3-flash",
      serviceTier: "priority",
    },
  ],
  [
    "Gemini without output, such as a prompt that was blocked",
    { modelVersion: "gemini", usageMetadata: { promptTokenCount: 9, totalTokenCount: 9 } },
    { inputTokens: 9, outputTokens: undefined },
  ],
  [
    "Gemini's documents, which are no modality of the conventions",
    { usageMetadata: { promptTokenCount: 9, promptTokensDetails: [{ modality: "DOCUMENT", tokenCount: 9 }] } },
    { inputTokens: 9, inputByModality: undefined },
  ],
  [
    "embeddings of Vertex AI, each of which tells its own tokens",
    {
      embeddings: [
        { values: [1], statistics: { tokenCount: 4 } },
        { values: [2], statistics: { tokenCount: 5 } },
      ],
    },
    { inputTokens: 9 },
  ],
  [
    "Bedrock's Converse, whose cached tokens come beside its input",
    {
      $metadata: {},
      serviceTier: { type: "flex" },
      usage: {
        inputTokens: 10,
        outputTokens: 7,
        totalTokens: 47,
        cacheReadInputTokens: 20,
        cacheWriteInputTokens: 10,
        cacheDetails: [
          { ttl: "5m", inputTokens: 4 },
          { ttl: "1h", inputTokens: 6 },
        ],
      },
    },
    {
      inputTokens: 40,
      outputTokens: 7,
      cacheReadTokens: 20,
      cacheWriteTokens: 10,
      cacheWriteHourTokens: 6,
      serviceTier: "flex",
    },
  ],
  [
    "Bedrock's Converse without a cache",
    { $metadata: {}, serviceTier: { type: "priority" }, usage: { inputTokens: 10, outputTokens: 7, totalTokens: 17 } },
    { inputTokens: 10, outputTokens: 7, serviceTier: "priority" },
  ],
  [
    "Ollama, whose answer holds the counts itself",
    { model: "llama4", done: true, prompt_eval_count: 26, eval_count: 298 },
    { inputTokens: 26, outputTokens: 298, responseModel: "llama4" },
  ],
  [
    "Cohere, which charges for less than it counts",
    {
      id: "1",
      usage: {
        billed_units: { input_tokens: 17, output_tokens: 12 },
        tokens: { input_tokens: 215, output_tokens: 12 },
      },
    },
    { inputTokens: 17, outputTokens: 12 },
  ],
  [
    "Cohere's client, which renames all fields",
    { usage: { billedUnits: { inputTokens: 17, outputTokens: 12 }, tokens: { inputTokens: 215, outputTokens: 12 } } },
    { inputTokens: 17, outputTokens: 12 },
  ],
  [
    "Cohere's embeddings",
    { embeddings: { float: [[1]] }, meta: { api_version: {}, billed_units: { input_tokens: 6 } } },
    { inputTokens: 6, outputTokens: undefined },
  ],
];

test.each(table)("the usage of %s is read as the conventions count it", (_name, result, usage) => {
  expect(usageOf(result)).toMatchObject(usage);
});
