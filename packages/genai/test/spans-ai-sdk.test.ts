import * as ai7 from "ai";
import * as ai5 from "ai-5";
import * as ai6 from "ai-6";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI as createOpenAI7 } from "@ai-sdk/openai";
import { LegacyOpenTelemetry, OpenTelemetry } from "@ai-sdk/otel";
import { createOpenAI as createOpenAI5 } from "ai-sdk-openai-2";
import { createOpenAI as createOpenAI6 } from "ai-sdk-openai-3";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { dialFetch, nobodyTriesAgain, settled, startCapture } from "./support/capture.ts";
import { startMeters } from "./support/meters.ts";
import { type Provider, startProvider } from "./support/provider.ts";
import { startSpans } from "./support/spans.ts";

let provider: Provider;
beforeAll(async () => {
  provider = await startProvider();
});
afterAll(() => provider.stop());
beforeEach(() => provider.forget());

interface Version {
  readonly name: string;
  generate(): Promise<unknown>;
  withTool(): Promise<unknown>;
  stream(): Promise<unknown>;
  abort(): Promise<unknown>;
  embed(): Promise<unknown>;
  /** Without another try. */
  fail(): Promise<unknown>;
  /** Agents are named by the function's id. */
  readonly namesAgents: boolean;
  /** What a plain answer's span tells of cached tokens and of reasoning. */
  readonly plainDetails: object;
}

const parameters = { type: "object" as const, properties: { city: { type: "string" as const } } };
const key = "key";
const prompt = "the secret prompt";
const quiet = { onError(): void {} };

function version5(): Version {
  const openai = createOpenAI5({ apiKey: key });
  const common = {
    model: openai.chat("gpt-5"),
    prompt,
    experimental_telemetry: { isEnabled: true, functionId: "helper" },
  };
  const weather = ai5.tool({ inputSchema: ai5.jsonSchema<{ city: string }>(parameters), execute: () => "sun" });
  return {
    name: "5",
    generate: () => ai5.generateText(common),
    withTool: () => ai5.generateText({ ...common, tools: { weather }, stopWhen: ai5.stepCountIs(3) }),
    stream: () => readAll(ai5.streamText({ ...common, ...quiet })),
    abort: () => giveUp((abortSignal) => ai5.streamText({ ...common, ...quiet, abortSignal })),
    embed: () =>
      ai5.embed({
        model: openai.textEmbeddingModel("text-embedding-3-small"),
        value: prompt,
        experimental_telemetry: { isEnabled: true },
      }),
    fail: () => ai5.generateText({ ...common, maxRetries: 0 }),
    namesAgents: false,
    plainDetails: { cacheReadTokens: null, reasoningTokens: null },
  };
}

function version6(): Version {
  const openai = createOpenAI6({ apiKey: key });
  const common = {
    model: openai.chat("gpt-5"),
    prompt,
    experimental_telemetry: { isEnabled: true, functionId: "helper" },
  };
  const weather = ai6.tool({ inputSchema: ai6.jsonSchema<{ city: string }>(parameters), execute: () => "sun" });
  return {
    name: "6",
    generate: () => ai6.generateText(common),
    withTool: () => ai6.generateText({ ...common, tools: { weather }, stopWhen: ai6.stepCountIs(3) }),
    stream: () => readAll(ai6.streamText({ ...common, ...quiet })),
    abort: () => giveUp((abortSignal) => ai6.streamText({ ...common, ...quiet, abortSignal })),
    embed: () =>
      ai6.embed({
        model: openai.embeddingModel("text-embedding-3-small"),
        value: prompt,
        experimental_telemetry: { isEnabled: true },
      }),
    fail: () => ai6.generateText({ ...common, maxRetries: 0 }),
    namesAgents: false,
    plainDetails: { cacheReadTokens: 40, reasoningTokens: 10 },
  };
}

function version7(name: string, isLegacy: boolean): Version {
  const openai = createOpenAI7({ apiKey: key });
  // It takes its tracer when it is made.
  const telemetry = (): ai7.TelemetryOptions => ({
    functionId: "helper",
    integrations: [isLegacy ? new LegacyOpenTelemetry() : new OpenTelemetry()],
  });
  const common = (): { model: ai7.LanguageModel; prompt: string; telemetry: ai7.TelemetryOptions } => ({
    model: openai.chat("gpt-5"),
    prompt,
    telemetry: telemetry(),
  });
  const weather = ai7.tool({ inputSchema: ai7.jsonSchema<{ city: string }>(parameters), execute: () => "sun" });
  return {
    name,
    generate: () => ai7.generateText(common()),
    withTool: () => ai7.generateText({ ...common(), tools: { weather }, stopWhen: ai7.isStepCount(3) }),
    stream: () => readAll(ai7.streamText({ ...common(), ...quiet })),
    abort: () => giveUp((abortSignal) => ai7.streamText({ ...common(), ...quiet, abortSignal })),
    embed: () =>
      ai7.embed({ model: openai.embedding("text-embedding-3-small"), value: prompt, telemetry: telemetry() }),
    fail: () => ai7.generateText({ ...common(), maxRetries: 0 }),
    namesAgents: !isLegacy,
    plainDetails: { cacheReadTokens: 40, reasoningTokens: isLegacy ? 10 : null },
  };
}

const versions: readonly Version[] = [
  version5(),
  version6(),
  version7("7 with the conventions", false),
  version7("7 with its older spans", true),
];

const bill = { input: 100, output: 50, cacheRead: 40, reasoning: 10 };
const toolCall = { name: "weather", arguments: '{"city":"Rome"}' };

describe.each(versions)("the AI SDK $name, by its spans alone,", (version) => {
  test("counts a plain call once, with what its span tells", async () => {
    const { events } = startMeters();
    startSpans();
    dialFetch(provider);
    provider.script({ bill, model: "gpt-5-2025-08-07" });
    await version.generate();
    expect(events).toMatchObject([
      {
        provider: "openai",
        model: "gpt-5",
        responseModel: "gpt-5-2025-08-07",
        inputTokens: 100,
        outputTokens: 50,
        isSuccess: true,
        usageSource: "provider",
        ...version.plainDetails,
      },
    ]);
  });

  test("counts each step of an agent and each tool it calls", async () => {
    const meters = startMeters();
    startSpans();
    dialFetch(provider);
    provider.script({ toolCalls: [toolCall], bill }, { bill });
    await version.withTool();
    expect(meters.events.filter(({ kind }) => kind === "llm_call")).toHaveLength(2);
    expect(meters.events.filter(({ kind }) => kind === "tool_call")).toMatchObject([{ name: "weather" }]);
    const collection = await meters.collect();
    expect(collection.total("agent.executions", { agent: "helper" })).toBe(version.namesAgents ? 1 : 0);
  });

  test("counts a streamed call once, with the time to its first chunk", async () => {
    const meters = startMeters();
    startSpans();
    dialFetch(provider);
    provider.script({ bill });
    await version.stream();
    await settled(meters.events, 1);
    expect(meters.events).toMatchObject([{ inputTokens: 100, outputTokens: 50, cacheReadTokens: 40, isSuccess: true }]);
    expect((await meters.collect()).count("gen_ai.client.inference.time_to_first_chunk")).toBe(1);
  });

  test("counts a stream that is aborted once, as cancelled", async () => {
    const meters = startMeters();
    startSpans();
    dialFetch(provider);
    provider.script({ delivery: { holdAfter: 1 } });
    await version.abort();
    await settled(meters.events, 1);
    expect(meters.events).toMatchObject([{ inputTokens: null, isSuccess: false, usageSource: "none" }]);
    expect((await meters.collect()).total("llm.requests", { status: "cancelled" })).toBe(1);
  });

  test("counts embeddings once", async () => {
    const { events } = startMeters();
    startSpans();
    dialFetch(provider);
    await version.embed();
    expect(events).toMatchObject([{ provider: "openai", model: "text-embedding-3-small", isSuccess: true }]);
    expect(events[0]?.inputTokens).toBeGreaterThan(0);
  });

  test("counts a call that the provider refuses as failed", async () => {
    const meters = startMeters();
    startSpans();
    dialFetch(provider);
    provider.script({ failure: { status: 429 } });
    await expect(version.fail()).rejects.toThrow("the request was refused");
    expect(meters.events).toMatchObject([{ isSuccess: false }]);
    expect(["429", "AI_APICallError"]).toContain(meters.events[0]?.errorType);
  });
});

describe.each(versions)("the AI SDK $name, under the capture of fetch,", (version) => {
  test("counts every call once, by what the provider said", async () => {
    const meters = startMeters();
    startSpans();
    dialFetch(provider);
    startCapture();
    provider.script({ bill }, { toolCalls: [toolCall], bill }, { bill }, { bill });
    await version.generate();
    await version.withTool();
    await version.stream();
    await settled(meters.events, 5);
    const calls = meters.events.filter(({ kind }) => kind === "llm_call");
    expect(calls).toHaveLength(4);
    for (const event of calls) {
      expect(event).toMatchObject({ inputTokens: 100, outputTokens: 50, cacheReadTokens: 40, reasoningTokens: 10 });
    }
    const collection = await meters.collect();
    expect(collection.total("llm.requests")).toBe(4);
    expect(collection.total("tool.calls", { tool: "weather" })).toBe(1);
  });

  test("counts an aborted stream and a refused call once each", async () => {
    const meters = startMeters();
    startSpans();
    dialFetch(provider);
    startCapture();
    provider.script({ delivery: { holdAfter: 1 } }, { failure: { status: 429 } });
    await version.abort();
    await expect(version.fail()).rejects.toThrow("the request was refused");
    nobodyTriesAgain();
    await settled(meters.events, 2);
    const collection = await meters.collect();
    expect(collection.total("llm.requests", { status: "cancelled" })).toBe(1);
    expect(collection.total("llm.requests", { status: "failed" })).toBe(1);
    expect(collection.total("llm.requests")).toBe(2);
  });
});

test("the AI SDK 7 with Anthropic counts cached tokens among the input once", async () => {
  const { events } = startMeters();
  startSpans();
  dialFetch(provider);
  provider.script({ bill: { input: 1210, output: 5, cacheRead: 1000, cacheWrite: 200 } });
  await ai7.generateText({
    model: createAnthropic({ apiKey: key })("claude-sonnet-4-5"),
    prompt,
    telemetry: { integrations: [new OpenTelemetry()] },
  });
  expect(events).toMatchObject([
    { provider: "anthropic", inputTokens: 1210, cacheReadTokens: 1000, cacheWriteTokens: 200, outputTokens: 5 },
  ]);
});

async function readAll({ fullStream }: { readonly fullStream: AsyncIterable<unknown> }): Promise<void> {
  for await (const _part of fullStream);
}

/** Reads until something has come, and gives up. */
async function giveUp(
  start: (abortSignal: AbortSignal) => { readonly fullStream: AsyncIterable<{ readonly type: string }> },
): Promise<void> {
  const controller = new AbortController();
  for await (const { type } of start(controller.signal).fullStream) if (type === "text-delta") controller.abort();
}
