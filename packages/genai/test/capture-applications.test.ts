import { withAttribution } from "@meterbridge/core";
import { SpanStatusCode } from "@opentelemetry/api";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { dialFetch, settled, startCapture } from "./support/capture.ts";
import { prompt } from "./support/client.ts";
import { openai, openaiChat } from "./support/clients-of-openai.ts";
import { anthropic, gemini } from "./support/clients-of-others.ts";
import { type Meters, startMeters } from "./support/meters.ts";
import { type Provider, startProvider } from "./support/provider.ts";
import type { Reply } from "./support/reply.ts";
import { startSpans } from "./support/spans.ts";

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
  startCapture();
});

const chat = { model: "gpt-5", messages: [{ role: "user" as const, content: prompt }] };
const claude = { model: "claude-sonnet-5", max_tokens: 100, messages: [{ role: "user" as const, content: prompt }] };
const exact = { inputTokens: 100, outputTokens: 20, usageSource: "provider", isSuccess: true };

describe("what applications do with their clients beyond a call", () => {
  test("the stream helper of OpenAI's client adds chunks up, and finds the usage that it did not ask for nowhere", async () => {
    const runner = openai().chat.completions.stream(chat);
    const { choices, usage } = await runner.finalChatCompletion();
    expect([choices[0]?.message.content, usage]).toEqual(["Hello world", undefined]);
    await settled(meters.events, 1);
    expect(meters.events).toMatchObject([exact]);
  });

  test("the stream helper of OpenAI's responses", async () => {
    const { output_text: text, usage } = await openai()
      .responses.stream({ model: "gpt-5", input: prompt })
      .finalResponse();
    expect([text, usage?.total_tokens]).toEqual(["Hello world", 120]);
    await settled(meters.events, 1);
    expect(meters.events).toMatchObject([exact]);
  });

  test("a parsed answer of OpenAI's client", async () => {
    provider.script({ text: ['{"city":"Paris"}'] });
    const format = { type: "json_schema" as const, json_schema: { name: "place", schema: { type: "object" } } };
    const { choices } = await openai().chat.completions.parse({ ...chat, response_format: format });
    expect(choices[0]?.message.content).toBe('{"city":"Paris"}');
    await settled(meters.events, 1);
    expect(meters.events).toMatchObject([exact]);
  });

  test("tools that OpenAI's client runs: each answer of the model is a call", async () => {
    provider.script({ text: [], toolCalls: [{ name: "weather", arguments: '{"city":"Paris"}' }] });
    const weather = {
      name: "weather",
      parse: JSON.parse,
      function: () => "sun",
      parameters: { type: "object" },
      description: "weather",
    };
    const runner = openai().chat.completions.runTools({ ...chat, tools: [{ type: "function", function: weather }] });
    expect(await runner.finalContent()).toBe("Hello world");
    await settled(meters.events, 2);
    expect(meters.events).toMatchObject([exact, exact]);
  });

  test("the stream helper of Anthropic's client", async () => {
    const stream = anthropic().messages.stream(claude);
    expect(await stream.finalText()).toBe("Hello world");
    expect((await stream.finalMessage()).usage.output_tokens).toBe(20);
    await settled(meters.events, 1);
    expect(meters.events).toMatchObject([exact]);
  });

  test("the stream helper of Anthropic's client, given up", async () => {
    provider.script({ text: ["one", " two", " three"], delivery: { holdAfter: 2 } });
    const stream = anthropic().messages.stream(claude);
    stream.on("text", (_delta, soFar) => {
      if (soFar === "one two") stream.abort();
    });
    await expect(stream.finalMessage()).rejects.toThrow(/abort/i);
    await settled(meters.events, 1);
    expect(meters.events).toMatchObject([
      { isSuccess: false, errorType: null, inputTokens: 100, usageSource: "partial" },
    ]);
  });

  test("a beta of Anthropic's, which has its own address", async () => {
    await anthropic().beta.messages.create({ ...claude, betas: ["context-1m-2025-08-07"] });
    await settled(meters.events, 1);
    expect(meters.events).toMatchObject([{ ...exact, costNanoUsd: 400_000n }]);
  });

  test("a conversation of Gemini's: each of its answers is a call", async () => {
    const conversation = gemini().chats.create({ model: "gemini-2.5-flash" });
    await conversation.sendMessage({ message: prompt });
    for await (const { text } of await conversation.sendMessageStream({ message: prompt })) expect(text).toBeDefined();
    await settled(meters.events, 2);
    expect(meters.events).toMatchObject([exact, exact]);
  });

  test("several answers to one question are one call", async () => {
    provider.script({ bill: { input: 100, output: 60 } });
    await openai().chat.completions.create({ ...chat, n: 3 });
    await settled(meters.events, 1);
    expect(meters.events).toMatchObject([{ inputTokens: 100, outputTokens: 60 }]);
  });
});

test("of calls at the same time each is its tenant's, whole or streamed, answered or refused", async () => {
  const tenants = Array.from({ length: 40 }, (_, index) => `tenant-${index}`);
  // Whichever arrives first gets it: only the sum is known.
  const replies = tenants.map((_tenant, index): Reply =>
    index % 4 === 3 ? { failure: { status: 400 } } : { bill: { input: 10, output: 1 } },
  );
  provider.script(...replies);
  const calls = tenants.map((tenant, index) =>
    withAttribution({ tenant }, async () => {
      await Promise.resolve();
      return index % 2 === 0 ? openaiChat.plain() : openaiChat.stream();
    }).catch(() => "refused"),
  );
  const outcomes = await Promise.all(calls);
  const refused = tenants.filter((_tenant, index) => outcomes[index] === "refused");
  expect(refused).toHaveLength(10);
  await settled(meters.events, 40);
  expect(meters.events).toHaveLength(40);
  expect(new Set(meters.events.map(({ tenant }) => tenant))).toEqual(new Set(tenants));
  const failed = meters.events.filter(({ isSuccess }) => !isSuccess);
  expect(new Set(failed.map(({ tenant }) => tenant))).toEqual(new Set(refused));
  const collection = await meters.collect();
  for (const tenant of tenants) expect(collection.total("llm.requests", { tenant })).toBe(1);
  expect(collection.total("gen_ai.client.inference.usage.input_tokens")).toBe(300);
});

describe("the span of a captured call", () => {
  test("has what the conventions name, and ends with the stream", async () => {
    const { finished } = startSpans();
    await openaiChat.stream();
    await settled(meters.events, 1);
    expect(finished).toHaveLength(1);
    expect(finished[0]).toMatchObject({
      name: "chat gpt-5",
      attributes: {
        "gen_ai.provider.name": "openai",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 20,
      },
      status: { code: SpanStatusCode.UNSET },
    });
  });

  test("ends too when the stream is left (the official instrumentation of OpenAI never ends it)", async () => {
    const { finished } = startSpans();
    provider.script({ text: ["one", " two"], delivery: { holdAfter: 1 } });
    await openaiChat.stream({ stopAfter: 1 });
    await settled(meters.events, 1);
    expect(finished).toHaveLength(1);
  });

  test("tells the kind of a failure, and none of its words", async () => {
    const { finished } = startSpans();
    provider.script({ failure: { status: 400, message: "your prompt was: secret" } });
    await openaiChat.plain().catch(() => {});
    await settled(meters.events, 1);
    expect(finished).toMatchObject([{ status: { code: SpanStatusCode.ERROR }, attributes: { "error.type": "400" } }]);
    expect(
      JSON.stringify(finished.map(({ name, attributes, status, events }) => [name, attributes, status, events])),
    ).not.toContain("secret");
  });
});
