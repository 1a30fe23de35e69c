import { tool } from "@langchain/core/tools";
import { BaseRetriever } from "@langchain/core/retrievers";
import { RunnableLambda } from "@langchain/core/runnables";
import { Document } from "@langchain/core/documents";
import { InMemoryCache } from "@langchain/core/caches";
import { FakeListChatModel } from "@langchain/core/utils/testing";
import { AzureChatOpenAI, ChatOpenAI, OpenAI } from "@langchain/openai";
import { withAttribution } from "@meterbridge/core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { meterCallbacks } from "../src/langchain.ts";
import { dialFetch, nobodyTriesAgain, settled, startCapture } from "./support/capture.ts";
import { startMeters } from "./support/meters.ts";
import { type Provider, startProvider } from "./support/provider.ts";

let provider: Provider;
beforeAll(async () => {
  provider = await startProvider();
});
afterAll(() => provider.stop());
beforeEach(() => provider.forget());

const prompt = "the secret prompt";
const bill = { input: 100, output: 50, cacheRead: 40, reasoning: 10 };
const tokens = { inputTokens: 100, outputTokens: 50, cacheReadTokens: 40, reasoningTokens: 10 };

function chat(): ChatOpenAI {
  const configuration = { baseURL: "https://api.openai.com/v1" };
  return new ChatOpenAI({ model: "gpt-5", apiKey: "key", maxRetries: 0, configuration });
}

describe.each([
  { where: "by the callbacks alone", captured: false },
  { where: "under the capture of fetch", captured: true },
])("a model of LangChain is counted, $where,", ({ captured }) => {
  test("once for a plain call", async () => {
    const { events } = startMeters();
    dialFetch(provider);
    if (captured) startCapture();
    provider.script({ bill, model: "gpt-5-2025-08-07" });
    const answer = await withAttribution({ tenant: "acme" }, () =>
      chat().invoke(prompt, { callbacks: [meterCallbacks()] }),
    );
    expect(answer.text).toBe("Hello world");
    await settled(events, 1);
    expect(events).toMatchObject([
      {
        tenant: "acme",
        provider: "openai",
        model: "gpt-5",
        responseModel: "gpt-5-2025-08-07",
        ...tokens,
        isSuccess: true,
      },
    ]);
  });

  test("once for a stream, with the time to its first chunk", async () => {
    const meters = startMeters();
    dialFetch(provider);
    if (captured) startCapture();
    provider.script({ bill });
    let text = "";
    for await (const chunk of await chat().stream(prompt, { callbacks: [meterCallbacks()] })) text += chunk.text;
    expect(text).toBe("Hello world");
    await settled(meters.events, 1);
    expect(meters.events).toMatchObject([tokens]);
    expect((await meters.collect()).count("gen_ai.client.inference.time_to_first_chunk")).toBe(1);
  });

  test("once for each of several calls at a time, also where handlers are given twice", async () => {
    const { events } = startMeters();
    dialFetch(provider);
    if (captured) startCapture();
    const model = new ChatOpenAI({
      model: "gpt-5",
      apiKey: "key",
      configuration: { baseURL: "https://api.openai.com/v1" },
      callbacks: [meterCallbacks()],
    });
    await model.batch([prompt, prompt, prompt], { callbacks: [meterCallbacks()] });
    await settled(events, 3);
    expect(events.map(({ inputTokens }) => inputTokens)).toEqual([100, 100, 100]);
  });

  test("once as failed when the provider refuses it", async () => {
    const meters = startMeters();
    dialFetch(provider);
    if (captured) startCapture();
    provider.script({ failure: { status: 400 } });
    await expect(chat().invoke(prompt, { callbacks: [meterCallbacks()] })).rejects.toThrow("the request was refused");
    nobodyTriesAgain();
    await settled(meters.events, 1);
    expect(meters.events).toMatchObject([{ isSuccess: false, errorType: "400", model: "gpt-5" }]);
  });

  test("once as cancelled when the caller aborts it", async () => {
    const meters = startMeters();
    dialFetch(provider);
    if (captured) startCapture();
    provider.script({ delivery: { holdAfter: 0 } });
    const controller = new AbortController();
    const answer = chat().invoke(prompt, { callbacks: [meterCallbacks()], signal: controller.signal });
    while (provider.requests.length === 0) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    controller.abort();
    await expect(answer).rejects.toThrow(/abort/i);
    await settled(meters.events, 1);
    expect((await meters.collect()).total("llm.requests", { status: "cancelled" })).toBe(1);
    expect(meters.events).toHaveLength(1);
  });

  test("once for a model of text", async () => {
    const { events } = startMeters();
    dialFetch(provider);
    if (captured) startCapture();
    const configuration = { baseURL: "https://api.openai.com/v1" };
    const model = new OpenAI({ model: "gpt-3.5-turbo-instruct", apiKey: "key", maxRetries: 0, configuration });
    await model.invoke(prompt, { callbacks: [meterCallbacks()] });
    await settled(events, 1);
    expect(events).toMatchObject([{ model: "gpt-3.5-turbo-instruct", inputTokens: 100, outputTokens: 20 }]);
  });

  test("not at all when its answer comes from LangChain's cache", async () => {
    const { events } = startMeters();
    dialFetch(provider);
    if (captured) startCapture();
    const model = chat();
    model.cache = new InMemoryCache();
    await model.invoke(prompt, { callbacks: [meterCallbacks()] });
    await settled(events, 1);
    await model.invoke(prompt, { callbacks: [meterCallbacks()] });
    await settled(events, 1);
    expect(provider.requests).toHaveLength(1);
    expect(events).toHaveLength(1);
  });
});

test("a model that does not call by fetch is counted beside one that does and is captured", async () => {
  const { events } = startMeters();
  dialFetch(provider);
  startCapture();
  const elsewhere = new FakeListChatModel({ responses: ["Hello"] });
  await Promise.all([
    elsewhere.invoke(prompt, {
      callbacks: [meterCallbacks()],
      metadata: { ls_model_name: "nova" },
    }),
    chat().invoke(prompt, { callbacks: [meterCallbacks()] }),
  ]);
  await settled(events, 2);
  expect(events.map(({ provider: by, model }) => `${by} ${model}`).toSorted()).toEqual([
    "FakeListChatModel nova",
    "openai gpt-5",
  ]);
});

test("a call that goes by another name on the wire is counted once, by the capture", async () => {
  const { events } = startMeters();
  dialFetch(provider);
  startCapture();
  const azure = new AzureChatOpenAI({
    model: "gpt-5",
    azureOpenAIApiKey: "key",
    azureOpenAIApiInstanceName: "our-resource",
    azureOpenAIApiDeploymentName: "our-deployment",
    azureOpenAIApiVersion: "2024-10-21",
    maxRetries: 0,
  });
  await azure.invoke(prompt, { callbacks: [meterCallbacks()] });
  await settled(events, 1);
  expect(provider.requests.map(({ path }) => path)).toEqual([expect.stringContaining("our-deployment")]);
  expect(events).toHaveLength(1);
});

test("runs that never end make room for others", async () => {
  const meters = startMeters();
  const callbacks = meterCallbacks();
  for (let index = 0; index < 2002; index += 1) {
    callbacks.handleLLMStart({}, [], `run-${index}`, undefined, {}, [], {
      ls_provider: "openai",
      ls_model_name: "gpt-5",
    });
  }
  for (const index of [0, 1, 2, 2001]) callbacks.handleLLMEnd({}, `run-${index}`);
  expect(meters.events).toHaveLength(2);
});

test("nothing that a handler is given makes it throw", () => {
  startMeters();
  const callbacks = meterCallbacks({ workflows: ["flow"] });
  const hostile = new Proxy(
    {},
    {
      get: () => {
        throw new Error(prompt);
      },
    },
  );
  expect(() => {
    for (const value of [undefined, null, 7, "text", [], hostile]) {
      callbacks.handleChatModelStart(value, value, "chat", undefined, value, value, value);
      callbacks.handleLLMNewToken(value, value, "chat");
      callbacks.handleLLMEnd(value, "chat", undefined, value, value);
      callbacks.handleLLMError(value, "chat");
      callbacks.handleToolStart(value, value, "tool");
      callbacks.handleToolError(value, "tool");
      callbacks.handleRetrieverStart(value, value, "retriever");
      callbacks.handleRetrieverEnd(value, "retriever");
      callbacks.handleChainStart(value, value, "chain", value);
      callbacks.handleChainError(value, "chain");
    }
  }).not.toThrow();
});

test("tools, retrievers and the runnables that are named count in their own meters, with nothing of what passed", async () => {
  const meters = startMeters();
  const callbacks = [meterCallbacks({ workflows: ["support-answer"], agents: ["researcher"] })];
  const search = tool(() => "found", {
    name: "search",
    description: "searches",
    schema: { type: "object", properties: {} },
  });
  const broken = tool(() => Promise.reject(new TypeError(prompt)), {
    name: "broken",
    description: "breaks",
    schema: { type: "object", properties: {} },
  });
  class Handbook extends BaseRetriever {
    lc_namespace = ["test"];
    override async _getRelevantDocuments(): Promise<Document[]> {
      return [new Document({ pageContent: prompt }), new Document({ pageContent: prompt })];
    }
  }
  const agent = RunnableLambda.from(async (_input: string, config) => {
    await search.invoke({}, config);
    await new Handbook().invoke(prompt, config);
    await broken.invoke({}, config).catch(() => {});
    return "done";
  }).withConfig({ runName: "researcher" });
  const flow = RunnableLambda.from((input: string, config) => agent.invoke(input, config)).withConfig({
    runName: "support-answer",
  });
  await flow.invoke(prompt, { callbacks });
  const collection = await meters.collect();
  expect(collection.total("tool.calls", { tool: "search", status: "completed" })).toBe(1);
  expect(collection.total("tool.calls", { tool: "broken", status: "failed" })).toBe(1);
  expect(collection.total("rag.retrievals", { index: "Handbook", status: "completed" })).toBe(1);
  expect(collection.total("rag.retrieval.documents", { index: "Handbook" })).toBe(2);
  expect(collection.total("agent.executions", { agent: "researcher", status: "completed" })).toBe(1);
  expect(collection.total("workflow.executions", { workflow: "support-answer", status: "completed" })).toBe(1);
  expect(collection.total("agent.executions")).toBe(1);
  expect(collection.total("workflow.executions")).toBe(1);
  expect(JSON.stringify(collection.resourceMetrics)).not.toContain("secret");
});
