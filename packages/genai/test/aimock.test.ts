import { LLMock } from "@copilotkit/aimock";
import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import { Ollama } from "ollama";
import OpenAI from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { nobodyTriesAgain, outcomeOf, settled, startCapture } from "./support/capture.ts";
import { type Meters, startMeters } from "./support/meters.ts";

// A stand-in for providers that others wrote, with their idea of the protocols: what is right by our own may be wrong by theirs.

const mock = new LLMock({ port: 0, host: "127.0.0.1", journalMaxEntries: 1 });
let url: string;
let meters: Meters;
beforeAll(async () => {
  url = await mock.start();
});
afterAll(() => mock.stop());
beforeEach(() => {
  mock.clearFixtures();
  mock.clearChaos();
  mock.onEmbedding("Hello", { embedding: [0.5, -0.25] });
  mock.on(
    {},
    {
      content: "Hello to you and to everybody else",
      usage: {
        prompt_tokens: 100,
        completion_tokens: 20,
        input_tokens: 100,
        output_tokens: 20,
        promptTokenCount: 100,
        candidatesTokenCount: 20,
      },
    },
  );
  meters = startMeters();
  startCapture();
});

const messages = [{ role: "user" as const, content: "Hello" }];
const openai = (): OpenAI => new OpenAI({ apiKey: "key", baseURL: `${url}/v1`, maxRetries: 0 });
const anthropic = (): Anthropic => new Anthropic({ apiKey: "key", baseURL: url, maxRetries: 0 });
const gemini = (): GoogleGenAI =>
  new GoogleGenAI({ apiKey: "key", httpOptions: { baseUrl: url, apiVersion: "v1beta" } });
const claude = { model: "claude-sonnet-5", max_tokens: 100, messages };

async function drain(stream: Promise<AsyncIterable<unknown>>): Promise<unknown[]> {
  const chunks = [];
  for await (const chunk of await stream) chunks.push(chunk);
  return chunks;
}

const calls: readonly (readonly [name: string, call: () => Promise<unknown>, cost: bigint | null])[] = [
  // Each of 100 and 20 tokens: see the lists in the table of calls.
  ["chat completions", () => openai().chat.completions.create({ model: "gpt-5", messages }), 325_000n],
  [
    "streamed chat completions",
    () => drain(openai().chat.completions.create({ model: "gpt-5", messages, stream: true })),
    325_000n,
  ],
  ["responses", async () => openai().responses.create({ model: "gpt-5", input: "Hello" }), 325_000n],
  [
    "streamed responses",
    () => drain(openai().responses.create({ model: "gpt-5", input: "Hello", stream: true })),
    325_000n,
  ],
  ["messages", () => anthropic().messages.create(claude), 400_000n],
  ["streamed messages", () => drain(anthropic().messages.create({ ...claude, stream: true })), 400_000n],
  [
    "Gemini's answers",
    () => gemini().models.generateContent({ model: "gemini-2.5-flash", contents: "Hello" }),
    80_000n,
  ],
  [
    "Gemini's streamed answers",
    () => drain(gemini().models.generateContentStream({ model: "gemini-2.5-flash", contents: "Hello" })),
    80_000n,
  ],
];

describe("as aimock speaks it", () => {
  test.each(calls)("%s are counted and priced", async (_name, call, cost) => {
    await call();
    await settled(meters.events, 1);
    expect(meters.events).toMatchObject([
      { inputTokens: 100, outputTokens: 20, costNanoUsd: cost, usageSource: "provider", isSuccess: true },
    ]);
  });

  test("Ollama's answers are counted, and nobody's to pay", async () => {
    await new Ollama({ host: url }).chat({ model: "llama3.3", messages });
    await settled(meters.events, 1);
    expect(meters.events).toMatchObject([{ provider: "ollama", costNanoUsd: null, isSuccess: true }]);
  });

  test("embeddings are counted", async () => {
    await openai().embeddings.create({ model: "text-embedding-3-small", input: "Hello" });
    await settled(meters.events, 1);
    expect(meters.events).toMatchObject([{ model: "text-embedding-3-small", isSuccess: true }]);
    expect((await meters.collect()).total("llm.requests", { operation: "embeddings" })).toBe(1);
  });

  test.each(calls)(
    "%s that are dropped, refused, cut off or spoilt are one failed call each, and the client's error is its own",
    async (_name, call) => {
      for (const chaos of [{ dropRate: 1 }, { rateLimitRate: 1 }, { disconnectRate: 1 }]) {
        mock.setChaos(chaos);
        expect(await outcomeOf(call)).toMatch(/^threw/);
        nobodyTriesAgain();
      }
      await settled(meters.events, 3);
      expect(meters.events.map(({ isSuccess }) => isSuccess)).toEqual([false, false, false]);
      expect(meters.events.map(({ errorType }) => errorType)).toEqual([
        "500",
        "429",
        expect.stringMatching(/^(UND_ERR_SOCKET|ECONNRESET)$/),
      ]);
      // JSON that is none: the call was answered, and may have been billed.
      mock.setChaos({ malformedRate: 1 });
      await outcomeOf(call);
      await settled(meters.events, 4);
      expect(meters.events).toHaveLength(4);
      expect(meters.events[3]?.usageSource).not.toBe("provider");
    },
  );

  test("a stream that is cut off in the middle is a failed call that keeps what has passed", async () => {
    mock.clearFixtures();
    const words = Array.from({ length: 20 }, (_, index) => `word${index} `).join("");
    mock.on({}, { content: words }, { chunkSize: 10, latency: 5, truncateAfterChunks: 5 });
    expect(
      await outcomeOf(() => drain(openai().chat.completions.create({ model: "gpt-5", messages, stream: true }))),
    ).toMatch(/^threw/);
    await settled(meters.events, 1);
    expect(meters.events).toMatchObject([{ isSuccess: false, usageSource: "estimated" }]);
    expect(meters.events[0]?.outputTokens).toBeGreaterThan(0);
  });
});
