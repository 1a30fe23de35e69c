import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as ai7 from "ai";
import * as ai5 from "ai-5";
import * as ai6 from "ai-6";
import { createOpenAI as createOpenAI7 } from "@ai-sdk/openai";
import { createOpenAI as createOpenAI5 } from "ai-sdk-openai-2";
import { createOpenAI as createOpenAI6 } from "ai-sdk-openai-3";
import { llm, withAttribution } from "@meterbridge/core";
import { trace } from "@opentelemetry/api";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { meterEmbeddingModel, meterModel } from "../src/ai-sdk.ts";
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
  /** The text and the usage. */
  generate(metered: boolean): Promise<unknown>;
  /** The parts of the stream. */
  stream(metered: boolean, signal?: AbortSignal): AsyncIterable<{ readonly type: string }>;
}

const prompt = "the secret prompt";
const common = { prompt, maxRetries: 0 };
const quiet = { onError(): void {} };

const versions: readonly Version[] = [
  {
    name: "5",
    generate: async (metered) => answerOf(await ai5.generateText({ ...common, model: model5(metered) })),
    stream: (metered, signal) =>
      ai5.streamText({ ...common, ...quiet, model: model5(metered), ...(signal && { abortSignal: signal }) })
        .fullStream,
  },
  {
    name: "6",
    generate: async (metered) => answerOf(await ai6.generateText({ ...common, model: model6(metered) })),
    stream: (metered, signal) =>
      ai6.streamText({ ...common, ...quiet, model: model6(metered), ...(signal && { abortSignal: signal }) })
        .fullStream,
  },
  {
    name: "7",
    generate: async (metered) => answerOf(await ai7.generateText({ ...common, model: model7(metered) })),
    stream: (metered, signal) =>
      ai7.streamText({ ...common, ...quiet, model: model7(metered), ...(signal && { abortSignal: signal }) })
        .fullStream,
  },
];

// That these compile shows that the middleware fits each version's own type.
function model5(metered: boolean): ai5.LanguageModel {
  const model = createOpenAI5({ apiKey: "key" }).chat("gpt-5");
  return metered ? ai5.wrapLanguageModel({ model, middleware: meterModel() }) : model;
}
function model6(metered: boolean): ai6.LanguageModel {
  const model = createOpenAI6({ apiKey: "key" }).chat("gpt-5");
  return metered ? ai6.wrapLanguageModel({ model, middleware: meterModel() }) : model;
}
function model7(metered: boolean): ai7.LanguageModel {
  const model = createOpenAI7({ apiKey: "key" }).chat("gpt-5");
  return metered ? ai7.wrapLanguageModel({ model, middleware: meterModel() }) : model;
}

const bill = { input: 100, output: 50, cacheRead: 40, reasoning: 10 };
const tokens = { inputTokens: 100, outputTokens: 50, cacheReadTokens: 40, reasoningTokens: 10 };

describe.each(versions)("the middleware in the AI SDK $name", ({ generate, stream }) => {
  test("counts a plain call once, and its result is what it is without", async () => {
    const { events } = startMeters();
    dialFetch(provider);
    provider.script({ bill }, { bill });
    const without = await generate(false);
    expect(await withAttribution({ tenant: "acme" }, () => generate(true))).toEqual(without);
    expect(events).toMatchObject([
      {
        tenant: "acme",
        provider: "openai",
        model: "gpt-5",
        responseModel: "gpt-5",
        ...tokens,
        isSuccess: true,
        usageSource: "provider",
      },
    ]);
  });

  test("counts a stream once, with times, and its parts are what they are without", async () => {
    const meters = startMeters();
    dialFetch(provider);
    provider.script({ bill }, { bill });
    const without = await partsOf(stream(false));
    expect(await partsOf(stream(true))).toEqual(without);
    await settled(meters.events, 1);
    expect(meters.events).toMatchObject([{ ...tokens, isSuccess: true, usageSource: "provider" }]);
    const collection = await meters.collect();
    expect(collection.count("gen_ai.client.inference.time_to_first_chunk")).toBe(1);
    expect(collection.count("gen_ai.client.inference.time_per_output_chunk")).toBe(1);
  });

  test("counts an aborted stream once, as cancelled", async () => {
    const meters = startMeters();
    dialFetch(provider);
    provider.script({ delivery: { holdAfter: 1 } });
    const controller = new AbortController();
    for await (const { type } of stream(true, controller.signal)) if (type === "text-delta") controller.abort();
    await settled(meters.events, 1);
    expect(meters.events).toMatchObject([{ isSuccess: false, errorType: null, usageSource: "none" }]);
    expect((await meters.collect()).total("llm.requests", { status: "cancelled" })).toBe(1);
  });

  test("counts a call that the provider refuses by its status, and throws what was thrown", async () => {
    const { events } = startMeters();
    dialFetch(provider);
    provider.script({ failure: { status: 429, message: "the request was refused" } });
    await expect(generate(true)).rejects.toThrow("the request was refused");
    expect(events).toMatchObject([{ isSuccess: false, errorType: "429" }]);
  });

  test("stands aside where the capture of fetch counts the call", async () => {
    const meters = startMeters();
    dialFetch(provider);
    startCapture();
    provider.script({ bill }, { bill }, { failure: { status: 429 } });
    await generate(true);
    await partsOf(stream(true));
    await expect(generate(true)).rejects.toThrow("the request was refused");
    nobodyTriesAgain();
    await settled(meters.events, 3);
    expect(meters.events).toMatchObject([tokens, tokens, { errorType: "429" }]);
    expect((await meters.collect()).total("llm.requests")).toBe(3);
  });

  test("makes llm.measure around it stand aside", async () => {
    const { events } = startMeters();
    dialFetch(provider);
    provider.script({ bill });
    await llm.measure({ provider: "openai", model: "gpt-5" }, () => generate(true));
    expect(events).toHaveLength(1);
  });
});

test("the middleware's call is counted once beneath the SDK's own span, which stands aside", async () => {
  const { events } = startMeters();
  const { finished } = startSpans();
  dialFetch(provider);
  provider.script({ bill });
  await ai6.generateText({ ...common, model: model6(true), experimental_telemetry: { isEnabled: true } });
  expect(events).toMatchObject([tokens]);
  const names = finished.map(({ name }) => name);
  expect(names).toEqual(["chat gpt-5", "ai.generateText.doGenerate", "ai.generateText"]);
  expect(trace.getActiveSpan()).toBeUndefined();
});

test("embeddings of the AI SDK 6 and 7 are counted once", async () => {
  const { events } = startMeters();
  dialFetch(provider);
  const model = "text-embedding-3-small";
  await ai6.embed({
    model: ai6.wrapEmbeddingModel({
      model: createOpenAI6({ apiKey: "key" }).embeddingModel(model),
      middleware: meterEmbeddingModel(),
    }),
    value: prompt,
  });
  await ai7.embed({
    model: ai7.wrapEmbeddingModel({
      model: createOpenAI7({ apiKey: "key" }).embeddingModel(model),
      middleware: meterEmbeddingModel(),
    }),
    value: prompt,
  });
  expect(events).toMatchObject([
    { model, isSuccess: true },
    { model, isSuccess: true },
  ]);
  expect(events.map(({ inputTokens }) => inputTokens)).toEqual([100, 100]);
});

test("a stream that nobody reads is counted as cancelled when it is collected as garbage", async () => {
  const { events } = startMeters();
  const parts = [{ type: "text-delta", id: "1", delta: "Hello" }];
  await meterModel().wrapStream({
    doStream: async () => ({ stream: ReadableStream.from(parts) }),
    model: { provider: "custom.chat", modelId: "model" },
  });
  await vi.waitFor(
    () => {
      collectGarbage();
      expect(events).toMatchObject([{ provider: "custom.chat", isSuccess: false, errorType: null }]);
    },
    { timeout: 20_000, interval: 20 },
  );
});

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

function answerOf({ text, usage, finishReason }: { text: string; usage: unknown; finishReason: unknown }): unknown {
  return { text, usage, finishReason };
}

/** Without the ids and times that the SDK makes up anew. */
async function partsOf(parts: AsyncIterable<object>): Promise<unknown[]> {
  const read: unknown[] = [];
  const changing = new Set(["timestamp", "headers", "performance", "user-agent"]);
  for await (const part of parts) {
    read.push(JSON.parse(JSON.stringify(part, (name, value: unknown) => (changing.has(name) ? undefined : value))));
  }
  return read;
}
