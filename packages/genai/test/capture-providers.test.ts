import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { fetch as undiciFetch } from "undici";
import { meterFetch } from "../src/fetch/meter-fetch.ts";
import { dialFetch, settled, startCapture } from "./support/capture.ts";
import { openaiChat } from "./support/clients-of-openai.ts";
import { dial } from "./support/dial.ts";
import { type Meters, startMeters } from "./support/meters.ts";
import { type Provider, startProvider } from "./support/provider.ts";
import type { Bill, Reply } from "./support/reply.ts";

let provider: Provider;
let meters: Meters;
beforeAll(async () => {
  provider = await startProvider();
});
afterAll(() => provider.stop());
beforeEach(() => {
  provider.forget();
  dialFetch(provider);
  meters = startMeters();
});

const asked = { messages: [{ role: "user", content: "Hello" }] };
const contents = { contents: [{ role: "user", parts: [{ text: "Hello" }] }] };
const plain: Bill = { input: 100, output: 20 };

/** What is asked where, and what the call is: the provider's name in the conventions, and its cost by hand. */
interface Row {
  readonly url: string;
  readonly body: object;
  readonly provider: string;
  readonly model: string;
  readonly bill?: Bill;
  /** Nano-USD. */
  readonly cost: bigint | null;
  readonly operation?: string;
}

const rows: readonly Row[] = [
  // $0.10 and $0.30 a million: 100 × 100 + 20 × 300.
  {
    url: "https://api.mistral.ai/v1/chat/completions",
    body: asked,
    provider: "mistral_ai",
    model: "mistral-small-latest",
    cost: 16_000n,
  },
  // $0.59 and $0.79: 100 × 590 + 20 × 790.
  {
    url: "https://api.groq.com/openai/v1/chat/completions",
    body: asked,
    provider: "groq",
    model: "llama-3.3-70b-versatile",
    cost: 74_800n,
  },
  // $3 and $15: 100 × 3000 + 20 × 15,000.
  { url: "https://api.x.ai/v1/chat/completions", body: asked, provider: "x_ai", model: "grok-4", cost: 600_000n },
  // $0.88 both ways: 120 × 880.
  {
    url: "https://api.together.xyz/v1/chat/completions",
    body: asked,
    provider: "together",
    model: "meta-llama/Llama-3.3-70B-Instruct-Turbo",
    cost: 105_600n,
  },
  // $0.35 and $0.75: 100 × 350 + 20 × 750.
  {
    url: "https://api.cerebras.ai/v1/chat/completions",
    body: asked,
    provider: "cerebras",
    model: "gpt-oss-120b",
    cost: 50_000n,
  },
  // A model without a price.
  {
    url: "https://api.fireworks.ai/inference/v1/chat/completions",
    body: asked,
    provider: "fireworks",
    model: "accounts/fireworks/models/of-our-own",
    cost: null,
  },
  // gpt-5 at $1.25 and $10: 100 × 1250 + 20 × 10,000.
  {
    url: "https://our.openai.azure.com/openai/deployments/gpt-5/chat/completions?api-version=2024-10-21",
    body: asked,
    provider: "azure.ai.openai",
    model: "gpt-5",
    cost: 325_000n,
  },
  {
    url: "https://our.openai.azure.com/openai/v1/responses?api-version=preview",
    body: { input: "Hello" },
    provider: "azure.ai.openai",
    model: "gpt-5",
    cost: 325_000n,
  },
  {
    url: "https://eu.api.openai.com/v1/responses",
    body: { input: "Hello" },
    provider: "openai",
    model: "gpt-5",
    cost: 325_000n,
  },
  // $1.50 and $2: 100 × 1500 + 20 × 2000.
  {
    url: "https://api.openai.com/v1/completions",
    body: { prompt: "Hello" },
    provider: "openai",
    model: "gpt-3.5-turbo-instruct",
    cost: 190_000n,
    operation: "text_completion",
  },
  // gemini-2.5-flash at $0.30 and $2.50: 100 × 300 + 20 × 2500.
  {
    url: "https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/us-central1/publishers/google/models/gemini-2.5-flash:generateContent",
    body: contents,
    provider: "gcp.vertex_ai",
    model: "gemini-2.5-flash",
    cost: 80_000n,
    operation: "generate_content",
  },
  // Sound at $1: 60 × 300 + 40 × 1000 + 20 × 2500.
  {
    url: "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent",
    body: contents,
    provider: "gcp.gemini",
    model: "gemini-2.5-flash",
    bill: { ...plain, audioInput: 40 },
    cost: 108_000n,
    operation: "generate_content",
  },
  {
    url: "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions",
    body: asked,
    provider: "gcp.gemini",
    model: "gemini-2.5-flash",
    cost: 80_000n,
  },
  // Text at $2.50 and $10, sound at $32 and $64: 60 × 2500 + 40 × 32,000 + 8 × 10,000 + 12 × 64,000.
  {
    url: "https://api.openai.com/v1/chat/completions",
    body: asked,
    provider: "openai",
    model: "gpt-audio",
    bill: { ...plain, audioInput: 40, audioOutput: 12 },
    cost: 2_278_000n,
  },
  // Text at $5, pictures at $10 in and $40 out: 60 × 5000 + 40 × 10,000 + 20 × 40,000.
  {
    url: "https://api.openai.com/v1/images/generations",
    body: { prompt: "A cat" },
    provider: "openai",
    model: "gpt-image-1",
    bill: { ...plain, imageInput: 40 },
    cost: 1_500_000n,
    operation: "generate_content",
  },
];

describe("a call is its provider's by its address alone", () => {
  test.each(rows)("$url of $model", async ({ url, body, bill = plain, cost, operation = "chat", ...of }) => {
    startCapture();
    provider.script({ bill });
    await send(url, { ...body, model: of.model });
    await settled(meters.events, 1);
    expect(meters.events).toMatchObject([
      { ...of, inputTokens: 100, outputTokens: 20, costNanoUsd: cost, isSuccess: true },
    ]);
    const collection = await meters.collect();
    expect(collection.total("llm.requests", { ...of, operation })).toBe(1);
    expect(collection.total("llm.unpriced")).toBe(cost === null ? 1 : 0);
  });

  test("what is written down from sound, sent as a form", async () => {
    startCapture();
    provider.script({ bill: { ...plain, audioInput: 90 } });
    const form = new FormData();
    form.set("model", "gpt-4o-transcribe");
    form.set("file", new Blob(["sound"]), "speech.wav");
    const answer = await fetch("https://api.openai.com/v1/audio/transcriptions", { method: "POST", body: form });
    expect(await answer.json()).toMatchObject({ text: "Hello world" });
    await settled(meters.events, 1);
    // Text at $2.50, sound at $6, $10 out: 10 × 2500 + 90 × 6000 + 20 × 10,000.
    expect(meters.events).toMatchObject([{ model: "gpt-4o-transcribe", inputTokens: 100, costNanoUsd: 765_000n }]);
  });

  test("sound that is spoken is passed on untouched, and is a call whose usage nobody told", async () => {
    startCapture();
    const sound = Uint8Array.from({ length: 5000 }, (_, index) => index % 256);
    provider.script({ raw: { contentType: "audio/mpeg", frames: [sound] } });
    const answer = await fetch("https://api.openai.com/v1/audio/speech", {
      method: "POST",
      body: JSON.stringify({ model: "gpt-4o-mini-tts", voice: "alloy", input: "Hello" }),
    });
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(sound);
    await settled(meters.events, 1);
    expect(meters.events).toMatchObject([{ model: "gpt-4o-mini-tts", isSuccess: true }]);
    expect(meters.events[0]?.usageSource).not.toBe("provider");
  });

  test("a host of one's own that speaks a known language", async () => {
    startCapture({ hosts: { "llm.internal": "openai" } });
    await send("https://llm.internal/v1/chat/completions", { ...asked, model: "house-model" });
    await settled(meters.events, 1);
    expect(meters.events).toMatchObject([
      { model: "house-model", inputTokens: 100, costNanoUsd: null, costStatus: "unpriced" },
    ]);
  });

  test("a local address, as that of a proxy or of a server of models", async () => {
    startCapture();
    await send(`${provider.url}/v1/chat/completions`, { ...asked, model: "gpt-5" });
    await settled(meters.events, 1);
    expect(meters.events).toMatchObject([{ provider: "openai", model: "gpt-5", costNanoUsd: 325_000n }]);
  });

  test.each([
    ["a route of one's own that sounds alike", "https://shop.example.com/api/messages", { text: "Hello" }],
    ["files", "https://api.openai.com/v1/files", { purpose: "batch" }],
    ["a batch, which is billed when it is done", "https://api.anthropic.com/v1/messages/batches", { requests: [] }],
    [
      "messages of an assistant's thread",
      "https://api.openai.com/v1/threads/t/messages",
      { role: "user", content: "Hello" },
    ],
    ["a moderation", "https://api.openai.com/v1/moderations", { input: "Hello" }],
  ])("%s is no call of a model", async (_what, url, body) => {
    startCapture();
    provider.script({ raw: { frames: ["{}"] } });
    await send(url, body);
    await settled(meters.events, 0);
    expect(meters.events).toEqual([]);
  });
});

describe("a fetch that a client brings", () => {
  test("is metered by meterFetch, and is that of undici as ever", async () => {
    const own = meterFetch(undiciFetch);
    const answer = await own(`${provider.url}/v1/chat/completions`, {
      method: "POST",
      body: JSON.stringify({ ...asked, model: "gpt-5" }),
    });
    expect(await answer.json()).toMatchObject({ usage: { total_tokens: 120 } });
    await settled(meters.events, 1);
    expect(meters.events).toMatchObject([{ provider: "openai", inputTokens: 100, outputTokens: 20 }]);
    expect(meterFetch(own)).toBe(own);
  });

  test("over one that is captured counts once", async () => {
    startCapture();
    const own = meterFetch((...given: Parameters<typeof fetch>) => globalThis.fetch(...given));
    await (
      await own("https://api.openai.com/v1/chat/completions", {
        method: "POST",
        body: JSON.stringify({ ...asked, model: "gpt-5" }),
      })
    ).text();
    await settled(meters.events, 1);
    expect(meters.events).toHaveLength(1);
  });

  test("with other arguments than text is read alike", async () => {
    const own = meterFetch(dial(provider.url));
    const body = JSON.stringify({ ...asked, model: "gpt-5" });
    const url = "https://api.openai.com/v1/chat/completions";
    await (await own(new URL(url), { method: "post", body: new TextEncoder().encode(body) })).text();
    await (await own(new Request(url, { method: "POST", body }))).text();
    await settled(meters.events, 2);
    expect(meters.events.map(({ inputTokens, usageSource }) => [inputTokens, usageSource])).toEqual([
      [100, "provider"],
      [100, "provider"],
    ]);
  });
});

test("a failure whose client might have tried again is told when the time for that is over, without anybody's help", async () => {
  startCapture();
  const refused: Reply = { failure: { status: 429 }, delivery: { headers: { "retry-after-ms": "1" } } };
  provider.script(refused);
  const begun = performance.now();
  await openaiChat.plain().catch(() => {});
  const took = performance.now() - begun;
  expect(meters.events).toEqual([]);
  await settled(meters.events, 1);
  expect(meters.events).toMatchObject([{ errorType: "429", attempts: 1 }]);
  // What was waited is no part of the call.
  expect(meters.events[0]?.inferenceMs).toBeLessThanOrEqual(Math.ceil(took));
});

async function send(url: string, body: object): Promise<void> {
  const answer = await fetch(url, { method: "POST", body: JSON.stringify(body) });
  expect(answer.status).toBe(200);
  await answer.text();
}
