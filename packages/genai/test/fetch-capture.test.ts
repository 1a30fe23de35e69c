import OpenAI from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { dialFetch, settled, startCapture } from "./support/capture.ts";
import { startMeters } from "./support/meters.ts";
import { type Provider, startProvider } from "./support/provider.ts";

let provider: Provider;
beforeAll(async () => {
  provider = await startProvider();
});
afterAll(() => provider.stop());

const messages = [{ role: "user", content: "Hello" }] as const;

test("a call of the OpenAI client costs its tokens without a word in the application", async () => {
  const { events } = startMeters();
  dialFetch(provider);
  startCapture();
  const client = new OpenAI({ apiKey: "key" });
  const answer = await client.chat.completions.create({ model: "gpt-5", messages: [...messages] });
  expect(answer.choices[0]?.message.content).toBe("Hello world");
  await settled(events, 1);
  expect(events).toMatchObject([
    {
      provider: "openai",
      model: "gpt-5",
      inputTokens: 100,
      outputTokens: 20,
      usageSource: "provider",
      isSuccess: true,
      attempts: 1,
    },
  ]);
});

test("a stream that was not asked for its usage tells it to us, and the client sees nothing of that", async () => {
  const { events } = startMeters();
  dialFetch(provider);
  startCapture();
  const client = new OpenAI({ apiKey: "key" });
  const stream = await client.chat.completions.create({ model: "gpt-5", messages: [...messages], stream: true });
  const chunks: OpenAI.ChatCompletionChunk[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  expect(chunks.map((chunk) => chunk.choices.length)).not.toContain(0);
  expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("")).toBe("Hello world");
  await settled(events, 1);
  expect(events).toMatchObject([
    {
      provider: "openai",
      model: "gpt-5",
      inputTokens: 100,
      outputTokens: 20,
      usageSource: "provider",
      isSuccess: true,
    },
  ]);
});
