import type { Attributes } from "@opentelemetry/api";
import { describe, expect, test } from "vitest";
import { startMeters } from "./support/meters.ts";
import { span, startSpans, type SpanWish } from "./support/spans.ts";

interface Case {
  readonly says: string;
  readonly attributes: Attributes;
  readonly wish?: SpanWish;
  readonly event: object;
}

const calls: readonly Case[] = [
  {
    says: "the newest conventions, which count cached tokens in",
    attributes: {
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "anthropic",
      "gen_ai.request.model": "claude-sonnet-4-5",
      "gen_ai.response.model": "claude-sonnet-4-5-20250929",
      "gen_ai.usage.input_tokens": 1210,
      "gen_ai.usage.output_tokens": 50,
      "gen_ai.usage.cache_read.input_tokens": 1000,
      "gen_ai.usage.cache_write.input_tokens": 200,
      "gen_ai.usage.reasoning.output_tokens": 30,
      "openai.response.service_tier": "priority",
    },
    event: {
      provider: "anthropic",
      model: "claude-sonnet-4-5",
      responseModel: "claude-sonnet-4-5-20250929",
      serviceTier: "priority",
      inputTokens: 1210,
      outputTokens: 50,
      cacheReadTokens: 1000,
      cacheWriteTokens: 200,
      reasoningTokens: 30,
    },
  },
  {
    says: "the conventions before v1.42, which called it cache_creation",
    attributes: {
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "anthropic",
      "gen_ai.request.model": "claude-sonnet-4-5",
      "gen_ai.usage.input_tokens": 1210,
      "gen_ai.usage.output_tokens": 50,
      "gen_ai.usage.cache_creation.input_tokens": 200,
    },
    event: { inputTokens: 1210, cacheWriteTokens: 200 },
  },
  {
    says: "the conventions of v1.36, with gen_ai.system",
    attributes: {
      "gen_ai.operation.name": "chat",
      "gen_ai.system": "az.ai.openai",
      "gen_ai.request.model": "gpt-5",
      "gen_ai.usage.input_tokens": 10,
      "gen_ai.usage.output_tokens": 5,
    },
    event: { provider: "azure.ai.openai", model: "gpt-5", inputTokens: 10, outputTokens: 5 },
  },
  {
    says: "the first conventions, without an operation",
    attributes: {
      "gen_ai.system": "openai",
      "gen_ai.request.model": "gpt-4",
      "gen_ai.usage.prompt_tokens": 10,
      "gen_ai.usage.completion_tokens": 5,
    },
    event: { provider: "openai", model: "gpt-4", inputTokens: 10, outputTokens: 5 },
  },
  {
    says: "conventions of an instrumentation that puts the cached tokens beside, as its own total shows",
    attributes: {
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "anthropic",
      "gen_ai.request.model": "claude-sonnet-4-5",
      "gen_ai.usage.input_tokens": 1000,
      "gen_ai.usage.output_tokens": 50,
      "gen_ai.usage.total_tokens": 1350,
      "gen_ai.usage.cache_read_input_tokens": 300,
    },
    event: { inputTokens: 1300, cacheReadTokens: 300 },
  },
  {
    says: "more cached tokens than input, which can only be beside it",
    attributes: {
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "anthropic",
      "gen_ai.request.model": "claude-sonnet-4-5",
      "gen_ai.usage.input_tokens": 10,
      "gen_ai.usage.output_tokens": 5,
      "gen_ai.usage.cache_read.input_tokens": 1000,
      "gen_ai.usage.cache_creation.input_tokens": 200,
    },
    event: { inputTokens: 1210, cacheReadTokens: 1000, cacheWriteTokens: 200 },
  },
  {
    says: "embeddings by the conventions",
    attributes: {
      "gen_ai.operation.name": "embeddings",
      "gen_ai.provider.name": "openai",
      "gen_ai.request.model": "text-embedding-3-small",
      "gen_ai.usage.input_tokens": 9,
    },
    event: { model: "text-embedding-3-small", inputTokens: 9, outputTokens: null },
  },
  {
    says: "OpenInference",
    attributes: {
      "openinference.span.kind": "LLM",
      "llm.provider": "openai",
      "llm.system": "openai",
      "llm.model_name": "gpt-5",
      "llm.token_count.prompt": 100,
      "llm.token_count.completion": 20,
      "llm.token_count.total": 120,
      "llm.token_count.prompt_details.cache_read": 40,
      "llm.token_count.completion_details.reasoning": 7,
    },
    event: { provider: "openai", inputTokens: 100, outputTokens: 20, cacheReadTokens: 40, reasoningTokens: 7 },
  },
  {
    says: "OpenInference for Bedrock, which hands on Anthropic's counts with the cached ones beside",
    wish: { scope: "@arizeai/openinference-instrumentation-bedrock" },
    attributes: {
      "openinference.span.kind": "LLM",
      "llm.provider": "aws",
      "llm.system": "anthropic",
      "llm.model_name": "claude-sonnet-4-5",
      "llm.token_count.prompt": 1000,
      "llm.token_count.completion": 20,
      "llm.token_count.prompt_details.cache_read": 400,
      "llm.token_count.prompt_details.cache_write": 100,
    },
    event: { provider: "aws.bedrock", inputTokens: 1500, cacheReadTokens: 400, cacheWriteTokens: 100 },
  },
  {
    says: "OpenInference's embeddings, which name no provider",
    attributes: {
      "openinference.span.kind": "EMBEDDING",
      "embedding.model_name": "text-embedding-3-small",
      "llm.token_count.prompt": 9,
    },
    event: { provider: "unknown", model: "text-embedding-3-small", inputTokens: 9 },
  },
  {
    says: "OpenLLMetry's older spans",
    attributes: {
      "gen_ai.system": "OpenAI",
      "llm.request.type": "completion",
      "gen_ai.request.model": "gpt-3.5-turbo-instruct",
      "gen_ai.response.model": "gpt-3.5-turbo-instruct",
      "gen_ai.usage.prompt_tokens": 10,
      "gen_ai.usage.completion_tokens": 5,
      "llm.usage.total_tokens": 15,
    },
    event: { provider: "openai", inputTokens: 10, outputTokens: 5 },
  },
  {
    says: "OpenLLMetry's newest spans",
    attributes: {
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "anthropic",
      "gen_ai.request.model": "claude-sonnet-4-5",
      "gen_ai.usage.input_tokens": 1210,
      "gen_ai.usage.output_tokens": 50,
      "gen_ai.usage.total_tokens": 1260,
      "gen_ai.usage.cache_read_input_tokens": 1000,
      "gen_ai.usage.cache_creation_input_tokens": 200,
      "gen_ai.usage.reasoning_tokens": 12,
    },
    event: { inputTokens: 1210, cacheReadTokens: 1000, cacheWriteTokens: 200, reasoningTokens: 12 },
  },
  {
    says: "the AI SDK 5 with Anthropic, whose cached tokens are beside the input",
    wish: { scope: "ai" },
    attributes: {
      "ai.operationId": "ai.streamText.doStream",
      "ai.model.provider": "anthropic.messages",
      "ai.model.id": "claude-sonnet-4-5",
      "ai.response.finishReason": "stop",
      "ai.response.msToFirstChunk": 250,
      "ai.usage.inputTokens": 1000,
      "ai.usage.outputTokens": 50,
      "ai.usage.totalTokens": 1050,
      "ai.usage.cachedInputTokens": 400,
    },
    event: { provider: "anthropic", inputTokens: 1400, cacheReadTokens: 400 },
  },
  {
    says: "the AI SDK 6 with Anthropic, whose cached tokens are among the input",
    wish: { scope: "ai" },
    attributes: {
      "ai.operationId": "ai.streamText.doStream",
      "ai.model.provider": "anthropic.messages",
      "ai.model.id": "claude-sonnet-4-5",
      "ai.response.finishReason": "stop",
      "ai.usage.inputTokens": 1400,
      "ai.usage.inputTokenDetails.noCacheTokens": 1000,
      "ai.usage.inputTokenDetails.cacheReadTokens": 400,
      "ai.usage.cachedInputTokens": 400,
      "ai.usage.outputTokens": 50,
    },
    event: { inputTokens: 1400, cacheReadTokens: 400 },
  },
];

describe("a model call is counted with its tokens as the conventions count them, from", () => {
  test.each(calls)("$says", async ({ attributes, wish, event }) => {
    const meters = startMeters();
    startSpans();
    span(attributes, wish);
    expect(meters.events).toMatchObject([{ kind: "llm_call", isSuccess: true, inferenceMs: 2000, ...event }]);
  });
});

const works: readonly {
  readonly says: string;
  readonly attributes: Attributes;
  readonly meter: string;
  readonly labels: Attributes;
  readonly wish?: SpanWish;
}[] = [
  {
    says: "an agent by the conventions",
    attributes: { "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "researcher" },
    meter: "agent.executions",
    labels: { agent: "researcher", status: "completed" },
  },
  {
    says: "a tool by the conventions",
    attributes: { "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search" },
    meter: "tool.calls",
    labels: { tool: "search", status: "completed" },
  },
  {
    says: "a tool that its span alone names",
    attributes: { "gen_ai.operation.name": "execute_tool" },
    wish: { name: "execute_tool search" },
    meter: "tool.calls",
    labels: { tool: "search", status: "completed" },
  },
  {
    says: "a workflow by the conventions",
    attributes: { "gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": "support" },
    meter: "workflow.executions",
    labels: { workflow: "support", status: "completed" },
  },
  {
    says: "a retrieval by the conventions",
    attributes: { "gen_ai.operation.name": "retrieval", "gen_ai.data_source.id": "handbook" },
    meter: "rag.retrievals",
    labels: { index: "handbook", status: "completed" },
  },
  {
    says: "an agent of OpenInference",
    attributes: { "openinference.span.kind": "AGENT", "agent.name": "researcher" },
    meter: "agent.executions",
    labels: { agent: "researcher" },
  },
  {
    says: "a failed tool of OpenInference",
    attributes: { "openinference.span.kind": "TOOL", "tool.name": "search" },
    wish: { failsWith: "TimeoutError" },
    meter: "tool.calls",
    labels: { tool: "search", status: "failed" },
  },
  {
    says: "a retriever of OpenInference",
    attributes: { "openinference.span.kind": "RETRIEVER" },
    wish: { name: "VectorStoreRetriever" },
    meter: "rag.retrievals",
    labels: { index: "VectorStoreRetriever" },
  },
  {
    says: "a workflow of OpenLLMetry",
    attributes: { "traceloop.span.kind": "workflow", "traceloop.entity.name": "support" },
    meter: "workflow.executions",
    labels: { workflow: "support" },
  },
  {
    says: "an agent of OpenLLMetry",
    attributes: { "traceloop.span.kind": "agent", "traceloop.entity.name": "researcher" },
    meter: "agent.executions",
    labels: { agent: "researcher" },
  },
  {
    says: "a tool of the AI SDK",
    attributes: { "ai.operationId": "ai.toolCall", "ai.toolCall.name": "weather" },
    meter: "tool.calls",
    labels: { tool: "weather" },
  },
];

describe("work other than model calls is counted in its own meters:", () => {
  test.each(works)("$says", async ({ attributes, meter, labels, wish }) => {
    const meters = startMeters();
    startSpans();
    span(attributes, wish);
    const collection = await meters.collect();
    expect(collection.total(meter, labels)).toBe(1);
    expect(collection.total(meter)).toBe(1);
    expect(collection.count("llm.requests")).toBe(0);
  });
});

test("spans that stand for no work count nothing: chains, steps, unnamed agents, requests, and what core made itself", async () => {
  const meters = startMeters();
  startSpans();
  span({ "openinference.span.kind": "CHAIN" }, { name: "RunnableSequence" });
  span({ "gen_ai.operation.name": "agent_step" });
  span({ "gen_ai.operation.name": "create_agent", "gen_ai.request.model": "gpt-5" });
  span({ "gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "gpt-5" }, { name: "invoke_agent gpt-5" });
  span({ "traceloop.span.kind": "task", "traceloop.entity.name": "step" });
  span({ "ai.operationId": "ai.generateText", "ai.model.id": "gpt-5" });
  span({ "http.request.method": "POST" });
  span({ "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-5" }, { scope: "@meterbridge/core" });
  const { resourceMetrics } = await meters.collect();
  expect(meters.events).toEqual([]);
  const recorded = resourceMetrics.scopeMetrics.flatMap(({ metrics }) =>
    metrics.map(({ descriptor }) => descriptor.name),
  );
  // Observed at each collection, whatever happened.
  expect(recorded.filter((name) => name !== "user.active")).toEqual([]);
});

test("time to the first chunk is read in seconds and in the milliseconds of the AI SDK", async () => {
  const meters = startMeters();
  startSpans();
  const target = { "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-5" };
  span({ ...target, "gen_ai.response.time_to_first_chunk": 0.25 });
  span({
    "ai.operationId": "ai.streamText.doStream",
    "ai.model.id": "gpt-5",
    "ai.response.finishReason": "stop",
    "ai.response.msToFirstChunk": 250,
  });
  const collection = await meters.collect();
  const points = collection.points("gen_ai.client.inference.time_to_first_chunk");
  expect(points.map(({ value, count }) => [value, count])).toEqual([
    [0.25, 1],
    [0.25, 1],
  ]);
});

describe("what went wrong is told by a word, never by a message:", () => {
  const target = { "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-5" };
  test.each([
    ["the convention's error.type", { "error.type": "429" }, undefined, "429"],
    ["the status that the AI SDK 7 notes", { "http.response.status_code": 529 }, "AI_RetryError", "529"],
    ["the class of the exception", {}, "AI_APICallError", "AI_APICallError"],
    ["nothing, where a message stands for the class", {}, "the prompt was: my secret", "_OTHER"],
    [
      "nothing, where a message stands for the type",
      { "error.type": "the prompt was: my secret" },
      undefined,
      "_OTHER",
    ],
  ] as const)("%s", async (_says, attributes, failsWith, errorType) => {
    const meters = startMeters();
    startSpans();
    span({ ...target, ...attributes }, failsWith === undefined ? {} : { failsWith });
    expect(meters.events).toMatchObject([{ isSuccess: false, errorType }]);
    const collection = await meters.collect();
    expect(collection.total("llm.requests", { status: "failed" })).toBe(1);
    expect(JSON.stringify(collection.resourceMetrics)).not.toContain("prompt");
  });

  test("an abort, which is no failure", async () => {
    const meters = startMeters();
    startSpans();
    span(target, { failsWith: "AbortError" });
    const collection = await meters.collect();
    expect(collection.total("llm.requests", { status: "cancelled" })).toBe(1);
  });
});

test("a model that nobody has answered for is no label, or requests could make series without end", async () => {
  const meters = startMeters();
  startSpans();
  const target = { "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai" };
  span({ ...target, "gen_ai.request.model": "made-up-by-a-user" }, { failsWith: "NotFoundError" });
  expect(meters.events).toMatchObject([{ model: "made-up-by-a-user" }]);
  expect((await meters.collect()).points("llm.requests")[0]?.attributes["model"]).toBe("other");
});
