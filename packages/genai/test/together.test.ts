import { OpenTelemetry } from "@ai-sdk/otel";
import { createOpenAI } from "@ai-sdk/openai";
import { ChatOpenAI } from "@langchain/openai";
import { llm } from "@meterbridge/core";
import { generateText, streamText, wrapLanguageModel, type TelemetryOptions } from "ai";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { meterModel } from "../src/ai-sdk.ts";
import { meterFetch } from "../src/fetch/meter-fetch.ts";
import { meterCallbacks } from "../src/langchain.ts";
import { dialFetch, nobodyTriesAgain, settled, startCapture } from "./support/capture.ts";
import { prompt } from "./support/client.ts";
import { openai } from "./support/clients-of-openai.ts";
import { anthropicMessages } from "./support/clients-of-others.ts";
import { startMeters } from "./support/meters.ts";
import { type Provider, startProvider } from "./support/provider.ts";
import type { Reply } from "./support/reply.ts";
import { startSpans } from "./support/spans.ts";

// Each of these meters a call by itself. Where several see the same call, one counts it.
type Way = "capture of fetch" | "llm.measure" | "spans" | "middleware" | "callbacks" | "metered fetch of its own";

let provider: Provider;
beforeAll(async () => {
  provider = await startProvider();
});
afterAll(() => provider.stop());
beforeEach(() => provider.forget());

interface Subject {
  readonly name: string;
  readonly ways: readonly Way[];
  readonly target: { readonly provider: string; readonly model: string };
  plain(ways: ReadonlySet<Way>): Promise<unknown>;
  /** Reads its stream to the end, or leaves it after a chunk. */
  stream(ways: ReadonlySet<Way>, leave: boolean): Promise<unknown>;
}

const gpt5 = { provider: "openai", model: "gpt-5" };
const chat = { model: "gpt-5", messages: [{ role: "user" as const, content: prompt }] };

const subjects: readonly Subject[] = [
  {
    name: "the client of OpenAI",
    ways: ["capture of fetch", "llm.measure", "metered fetch of its own"],
    target: gpt5,
    plain: (ways) => openaiFor(ways).chat.completions.create(chat),
    async stream(ways, leave) {
      const stream = await openaiFor(ways).chat.completions.create({ ...chat, stream: true });
      await read(stream, leave);
    },
  },
  {
    name: "the client of Anthropic, which makes spans of its own",
    ways: ["capture of fetch", "llm.measure", "spans"],
    target: { provider: "anthropic", model: "claude-sonnet-5" },
    plain: () => anthropicMessages.plain(),
    stream: (_ways, leave) => anthropicMessages.stream(leave ? { stopAfter: 1 } : {}),
  },
  {
    name: "the AI SDK",
    ways: ["capture of fetch", "llm.measure", "spans", "middleware"],
    target: gpt5,
    plain: (ways) => generateText(aiSdk(ways)),
    async stream(ways, leave) {
      const giveUp = new AbortController();
      const { fullStream } = streamText({ ...aiSdk(ways), abortSignal: giveUp.signal, onError() {} });
      for await (const { type } of fullStream) if (leave && type === "text-delta") giveUp.abort();
    },
  },
  {
    name: "LangChain",
    ways: ["capture of fetch", "llm.measure", "callbacks"],
    target: gpt5,
    plain: (ways) => langchain().invoke(prompt, callbacks(ways)),
    async stream(ways, leave) {
      const giveUp = new AbortController();
      const stream = await langchain().stream(prompt, { ...callbacks(ways), signal: giveUp.signal });
      for await (const { text } of stream) if (leave && text !== "") giveUp.abort();
    },
  },
];

describe.each(subjects)("$name", (subject) => {
  describe.each(combinations(subject.ways))("metered by $name", ({ ways }) => {
    // By hand, what a stream uses is not seen from outside of the loop that reads it.
    const seesUsage = [...ways].some((way) => way !== "llm.measure");
    // The client of Anthropic ends its span alike when its stream is left.
    const seesLeaving = [...ways].some((way) => way !== "llm.measure" && way !== "spans");

    test("counts a plain call once", async () => {
      const [event] = await metered(subject, ways, () => subject.plain(ways), {});
      expect(event).toMatchObject({ ...subject.target, isSuccess: true, inputTokens: 100, outputTokens: 20 });
    });

    test("counts a stream once", async () => {
      const [event] = await metered(subject, ways, () => subject.stream(ways, false), {});
      expect(event).toMatchObject({ ...subject.target, isSuccess: true });
      if (seesUsage) expect(event).toMatchObject({ inputTokens: 100, outputTokens: 20, usageSource: "provider" });
    });

    test("counts a stream that is left once", async () => {
      const reply = { text: ["Hello", " there", " you"], delivery: { holdAfter: 1 } };
      const left = (): Promise<unknown> => subject.stream(ways, true);
      const [event] = await metered(subject, ways, left, reply);
      expect(event).toMatchObject(subject.target);
      if (seesLeaving) expect(event).toMatchObject({ isSuccess: false, errorType: null });
    });

    test("counts a refused call once, as what it was refused with", async () => {
      const [event] = await metered(subject, ways, () => subject.plain(ways), { failure: { status: 400 } });
      expect(event).toMatchObject({ ...subject.target, isSuccess: false, costNanoUsd: null });
      expect(event?.errorType).not.toBeNull();
      if (ways.has("capture of fetch")) expect(event?.errorType).toBe("400");
    });
  });
});

async function metered(subject: Subject, ways: ReadonlySet<Way>, work: () => Promise<unknown>, reply: Reply) {
  dialFetch(provider);
  const meters = startMeters();
  if (ways.has("spans")) startSpans();
  if (ways.has("capture of fetch")) startCapture();
  provider.script(reply);
  const call = ways.has("llm.measure") ? llm.measure(subject.target, work) : work();
  await call.catch(() => {});
  nobodyTriesAgain();
  await settled(meters.events, 1);
  expect(meters.events).toHaveLength(1);
  const collection = await meters.collect();
  expect(collection.total("llm.requests")).toBe(1);
  expect(collection.count("gen_ai.client.inference.duration")).toBe(1);
  return meters.events;
}

/** Every choice of at least one of the ways. */
function combinations(ways: readonly Way[]): { readonly name: string; readonly ways: ReadonlySet<Way> }[] {
  return Array.from({ length: 2 ** ways.length - 1 }, (_, index) => {
    const chosen = ways.filter((_way, position) => ((index + 1) >> position) % 2 === 1);
    return { name: chosen.join(" and "), ways: new Set(chosen) };
  });
}

function openaiFor(ways: ReadonlySet<Way>): ReturnType<typeof openai> {
  return ways.has("metered fetch of its own")
    ? openai().withOptions({ fetch: meterFetch(globalThis.fetch) })
    : openai();
}

function aiSdk(ways: ReadonlySet<Way>) {
  const model = createOpenAI({ apiKey: "key" }).chat("gpt-5");
  const telemetry: TelemetryOptions = { isEnabled: true, integrations: [new OpenTelemetry()] };
  return {
    model: ways.has("middleware") ? wrapLanguageModel({ model, middleware: meterModel() }) : model,
    prompt,
    maxRetries: 0,
    ...(ways.has("spans") && { telemetry }),
  };
}

function langchain(): ChatOpenAI {
  return new ChatOpenAI({ model: "gpt-5", apiKey: "key", maxRetries: 0 });
}

function callbacks(ways: ReadonlySet<Way>) {
  return ways.has("callbacks") ? { callbacks: [meterCallbacks()] } : {};
}

async function read(stream: AsyncIterable<unknown>, leave: boolean): Promise<void> {
  for await (const _chunk of stream) if (leave) break;
}
