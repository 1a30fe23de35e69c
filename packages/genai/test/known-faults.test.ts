/**
 * Faults that users found in what else meters model calls, each tried here. What each stands for is told by its test's name: the
 * library, and where it was reported.
 */
import { inspect } from "node:util";
import { type UsageEvent, withAttribution } from "@meterbridge/core";
import { DataPointType, type MetricData } from "@opentelemetry/sdk-metrics";
import { AzureOpenAI, NotFoundError } from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { dialFetch, settled, startCapture } from "./support/capture.ts";
import { prompt } from "./support/client.ts";
import { openai, openaiChat } from "./support/clients-of-openai.ts";
import { anthropic } from "./support/clients-of-others.ts";
import { listenToDiag, type Meters, startMeters } from "./support/meters.ts";
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

/** Does the work and resolves to the usage events that came of it. */
async function eventsOf(work: () => Promise<unknown>, ...replies: Reply[]): Promise<readonly UsageEvent[]> {
  provider.script(...replies);
  await work();
  await settled(meters.events, 1);
  return meters.events;
}

const chat = { model: "gpt-5", messages: [{ role: "user" as const, content: prompt }] };

describe("what is lost elsewhere", () => {
  test("a stream that its reader leaves is recorded (the official instrumentation of OpenAI records nothing for it)", async () => {
    const delivery = { holdAfter: 2 };
    const [event] = await eventsOf(() => openaiChat.stream({ stopAfter: 2 }), {
      text: ["one", " two", " three"],
      delivery,
    });
    expect(event).toMatchObject({ isSuccess: false, errorType: null, usageSource: "estimated" });
    expect(event?.outputTokens).toBeGreaterThan(0);
    expect((await meters.collect()).count("gen_ai.client.inference.duration")).toBe(1);
  });

  test("tokens of a stream are known though nobody asked for them, and nobody sees that they were asked for (the same)", async () => {
    const stream = await openai().chat.completions.create({ ...chat, stream: true });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    await settled(meters.events, 1);
    expect(meters.events).toMatchObject([{ inputTokens: 100, outputTokens: 20, usageSource: "provider" }]);
    expect(provider.requests[0]?.body["stream_options"]).toEqual({ include_usage: true });
    expect(chunks.every((chunk) => chunk.choices.length === 1 && !("usage" in chunk))).toBe(true);
  });

  test("cached tokens of a stream are not dropped (Langfuse 13811: up to three times the cost)", async () => {
    const bill = { input: 1000, cacheRead: 900, output: 10 };
    const [event] = await eventsOf(() => openaiChat.stream(), { bill });
    // 100 × 1250 + 900 × 125 + 10 × 10,000 nano-USD.
    expect(event).toMatchObject({ cacheReadTokens: 900, costNanoUsd: 337_500n });
  });

  test("tokens written to a cache are known (vercel/ai 10676)", async () => {
    const bill = { input: 500, cacheWrite: 400, output: 10 };
    const create = () =>
      anthropic().messages.create({
        model: "claude-sonnet-5",
        max_tokens: 10,
        messages: [{ role: "user", content: prompt }],
      });
    const [event] = await eventsOf(create, { bill });
    expect(event).toMatchObject({ inputTokens: 500, cacheWriteTokens: 400 });
    expect((await meters.collect()).total("gen_ai.client.inference.usage.cache_write.input_tokens")).toBe(400);
  });
});

describe("what is counted twice elsewhere", () => {
  test("tokens read from a cache are part of the input, also where the provider tells them beside it (Langfuse 12306)", async () => {
    const bill = { input: 1000, cacheRead: 900, output: 10 };
    const create = () =>
      anthropic().messages.create({
        model: "claude-sonnet-5",
        max_tokens: 10,
        messages: [{ role: "user", content: prompt }],
      });
    const [event] = await eventsOf(create, { bill });
    expect(provider.requests).toHaveLength(1);
    // 100 × 2000 + 900 × 200 + 10 × 10,000 nano-USD.
    expect(event).toMatchObject({ inputTokens: 1000, cacheReadTokens: 900, costNanoUsd: 480_000n });
  });

  test("reasoning is part of the output (claude-code 31585)", async () => {
    const [event] = await eventsOf(() => openaiChat.plain(), { bill: { input: 10, output: 300, reasoning: 250 } });
    expect(event).toMatchObject({ outputTokens: 300, reasoningTokens: 250, costNanoUsd: 3_012_500n });
  });

  test("tries are attempts of one call (peers count each as a call, or none)", async () => {
    const refused: Reply = { failure: { status: 429 }, delivery: { headers: { "retry-after-ms": "1" } } };
    const events = await eventsOf(() => openaiChat.plain({ maxRetries: 2 }), refused, {});
    expect(events).toMatchObject([{ attempts: 2, isSuccess: true, inputTokens: 100 }]);
    expect((await meters.collect()).total("llm.requests")).toBe(1);
  });

  test("asking again for an answer made in the background costs nothing (conventions: fetch_response tells no usage)", async () => {
    provider.script({
      raw: {
        frames: [
          '{"id":"resp_1","object":"response","model":"gpt-5","output":[],"usage":{"input_tokens":9,"output_tokens":9}}',
        ],
      },
    });
    await openai().responses.retrieve("resp_1");
    await eventsOf(() => openaiChat.plain());
    expect(meters.events.map(({ inputTokens }) => inputTokens)).toEqual([100]);
  });

  test("counting the tokens of a prompt and listing models are no model calls", async () => {
    provider.script({ raw: { frames: ['{"input_tokens":7}'] } }, { raw: { frames: ['{"object":"list","data":[]}'] } });
    await anthropic().messages.countTokens({ model: "claude-sonnet-5", messages: [{ role: "user", content: prompt }] });
    await openai().models.list();
    await eventsOf(() => openaiChat.plain());
    expect(meters.events).toHaveLength(1);
  });
});

describe("what is priced wrong elsewhere", () => {
  test("a model without a price is never free: its cost is unknown, counted and told once (LiteLLM 36999, OpenLIT)", async () => {
    const told = listenToDiag();
    const create = () => openai().chat.completions.create({ ...chat, model: "house-model" });
    await eventsOf(create);
    await create();
    await settled(meters.events, 2);
    expect(meters.events.map(({ costNanoUsd, costStatus }) => [costNanoUsd, costStatus])).toEqual([
      [null, "unpriced"],
      [null, "unpriced"],
    ]);
    const collection = await meters.collect();
    expect(collection.total("llm.unpriced", { model: "house-model" })).toBe(2);
    expect(collection.points("llm.cost")).toEqual([]);
    expect(told.filter((line) => line.includes("house-model"))).toHaveLength(1);
  });

  // OpenAI's list: priority $2.50 in and $20 out, flex $0.625 in and $5 out.
  test.each([
    ["priority", "default", 325_000n],
    ["auto", "priority", 650_000n],
    ["auto", "flex", 162_500n],
  ] as const)(
    "asked for %s and served %s, the call costs what was served (LiteLLM 13810)",
    async (service_tier, tier, nanoUsd) => {
      const create = () => openai().chat.completions.create({ ...chat, service_tier });
      const [event] = await eventsOf(create, { tier });
      expect(event).toMatchObject({ serviceTier: tier, costNanoUsd: nanoUsd });
    },
  );

  test("what the provider says that it cost goes before the list (OpenRouter)", async () => {
    const create = () =>
      openai({}, "https://openrouter.ai/api/v1").chat.completions.create({ ...chat, model: "openai/gpt-5" });
    const [event] = await eventsOf(create, { bill: { input: 100, output: 20, costUsd: 0.001_234_567 } });
    expect(event).toMatchObject({ provider: "openrouter", costNanoUsd: 1_234_567n, costStatus: "provider" });
  });

  test("the first call has its price, and nothing is fetched for that (OpenLIT fetches a list at start)", async () => {
    const addresses: string[] = [];
    const under = globalThis.fetch;
    globalThis.fetch = (input, init) => {
      addresses.push(input instanceof Request ? input.url : String(input));
      return under(input, init);
    };
    try {
      const [event] = await eventsOf(() => openaiChat.plain());
      expect(event?.costNanoUsd).toBe(325_000n);
    } finally {
      globalThis.fetch = under;
    }
    expect(addresses).toEqual(["https://api.openai.com/v1/chat/completions"]);
    expect(provider.requests).toHaveLength(1);
  });

  test("a deployment with a name of your own is priced as the model that answers (Azure)", async () => {
    const client = new AzureOpenAI({
      apiKey: "key",
      endpoint: "https://our.openai.azure.com",
      apiVersion: "2024-10-21",
      deployment: "our-desk",
    });
    const create = () => client.chat.completions.create({ ...chat, model: "our-desk" });
    const [event] = await eventsOf(create, { model: "gpt-5-2025-08-07" });
    expect(event).toMatchObject({
      provider: "azure.ai.openai",
      model: "our-desk",
      responseModel: "gpt-5-2025-08-07",
      costNanoUsd: 325_000n,
    });
  });

  test("a hundred small calls add up to the nano-dollar (money kept in floating point does not)", async () => {
    for (let call = 0; call < 100; call += 1) {
      await eventsOf(() => openaiChat.plain(), { bill: { input: 1, output: 1 } });
    }
    await settled(meters.events, 100);
    // Each 1250 + 10,000 nano-USD.
    expect(meters.events.reduce((sum, { costNanoUsd }) => sum + (costNanoUsd ?? 0n), 0n)).toBe(1_125_000n);
    expect((await meters.collect()).total("llm.cost")).toBeCloseTo(0.001_125, 12);
  });
});

describe("what breaks applications elsewhere", () => {
  test(".withResponse() and .asResponse() of the client still work (contrib 3286 crashed on them)", async () => {
    const { data, response } = await openai().chat.completions.create(chat).withResponse();
    expect(data.usage?.total_tokens).toBe(120);
    expect(response.status).toBe(200);
    const raw = await openai().chat.completions.create(chat).asResponse();
    expect(await raw.json()).toMatchObject({ usage: { total_tokens: 120 } });
    const { data: stream } = await openai()
      .chat.completions.create({ ...chat, stream: true })
      .withResponse();
    expect((await stream.toReadableStream().getReader().read()).done).toBe(false);
    stream.controller.abort();
    await settled(meters.events, 3);
    expect(meters.events).toHaveLength(3);
  });

  test("helpers that read a stream in two ways get all of it in both", async () => {
    const stream = await openai().chat.completions.create({ ...chat, stream: true });
    const [one, two] = stream.tee();
    const read = async (
      from: AsyncIterable<{ choices: { delta: { content?: string | null } }[] }>,
    ): Promise<string> => {
      let text = "";
      for await (const { choices } of from) text += choices[0]?.delta.content ?? "";
      return text;
    };
    expect(await Promise.all([read(one), read(two)])).toEqual(["Hello world", "Hello world"]);
    await settled(meters.events, 1);
    expect(meters.events).toMatchObject([{ inputTokens: 100, usageSource: "provider" }]);
  });

  test("an error is the client's own, with its class, status and request id", async () => {
    provider.script({
      failure: { status: 404, type: "not_found_error" },
      delivery: { headers: { "x-request-id": "req_1" } },
    });
    const error: unknown = await openai()
      .chat.completions.create(chat)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(NotFoundError);
    expect(error).toMatchObject({ status: 404, requestID: "req_1", type: "not_found_error" });
  });
});

test("prompts and answers are kept nowhere, without a switch to find first (Traceloop, OpenLIT and the AI SDK keep them by default)", async () => {
  const { finished } = startSpans();
  await eventsOf(() => openaiChat.stream(), {
    text: ["the answer's words"],
    toolCalls: [{ name: "tool", arguments: '"the tool\'s words"' }],
  });
  expect(finished).toHaveLength(1);
  const spans = finished.map(({ name, attributes, events, status }) => ({ name, attributes, events, status }));
  const shown = inspect([meters.events, (await meters.collect()).resourceMetrics, spans], {
    depth: 20,
    maxStringLength: null,
  });
  expect(shown).toContain("gpt-5");
  expect(shown).not.toContain(prompt);
  expect(shown).not.toContain("words");
});

describe("what misleads elsewhere", () => {
  test("times that the client measures are never called the server's (OpenLIT)", async () => {
    await eventsOf(() => openaiChat.stream());
    const names = metricsOf(await meters.collect()).map(({ descriptor }) => descriptor.name);
    expect(names).toContain("gen_ai.client.inference.duration");
    expect(names.filter((name) => name.startsWith("gen_ai.server."))).toEqual([]);
  });

  test("a meter stays the kind of instrument that dashboards know (claude-code 77562)", async () => {
    await eventsOf(() => openaiChat.stream());
    const kinds = Object.fromEntries(
      metricsOf(await meters.collect()).map((metric) => [
        metric.descriptor.name,
        metric.dataPointType === DataPointType.HISTOGRAM
          ? "histogram"
          : metric.dataPointType === DataPointType.SUM && metric.isMonotonic
            ? "counter"
            : "other",
      ]),
    );
    expect(kinds).toMatchObject({
      "gen_ai.client.token.usage": "histogram",
      "gen_ai.client.operation.duration": "histogram",
      "gen_ai.client.inference.duration": "histogram",
      "gen_ai.client.inference.usage.input_tokens": "counter",
      "gen_ai.client.inference.usage.output_tokens": "counter",
      "llm.requests": "counter",
      "llm.cost": "counter",
      "llm.request.cost": "histogram",
    });
  });

  test("a call that costs a tenth of a cent is told from one that costs a cent (OpenLIT has no buckets below a dollar)", async () => {
    await eventsOf(() => openaiChat.plain(), { bill: { input: 0, output: 100 } });
    await eventsOf(() => openaiChat.plain(), { bill: { input: 0, output: 1000 } });
    await settled(meters.events, 2);
    const cost = metricsOf(await meters.collect()).find(({ descriptor }) => descriptor.name === "llm.request.cost");
    const [point] = cost?.dataPointType === DataPointType.HISTOGRAM ? cost.dataPoints : [];
    expect(point?.value.buckets.counts.filter((count) => count > 0)).toEqual([1, 1]);
  });

  test("a name that no provider has answered to makes no series: any text may be asked for (LiteLLM 39136)", async () => {
    for (const model of ["gpt-5-typed-wrong", "gpt5", "users-own-secret"]) {
      provider.script({ failure: { status: 404, type: "not_found_error" } });
      await openai()
        .chat.completions.create({ ...chat, model })
        .catch(() => {});
    }
    await settled(meters.events, 3);
    const models = (await meters.collect()).points("llm.requests").map(({ attributes }) => attributes["model"]);
    expect(models).toEqual(["other"]);
    // The ledger keeps what was asked for.
    expect(meters.events.map(({ model }) => model)).toEqual(["gpt-5-typed-wrong", "gpt5", "users-own-secret"]);
  });

  test("who the user is makes no series (LiteLLM 12159: end_user, email and address as labels)", async () => {
    const create = () =>
      openai().chat.completions.create({ ...chat, user: "ada@example.com", safety_identifier: "ada-4711" });
    await withAttribution({ tenant: "acme", user: "ada" }, () => eventsOf(create));
    expect(meters.events).toMatchObject([{ tenant: "acme", user: "ada" }]);
    const { resourceMetrics } = await meters.collect();
    expect(JSON.stringify(resourceMetrics)).toContain("acme");
    expect(JSON.stringify(resourceMetrics)).not.toMatch(/ada/);
  });
});

function metricsOf({ resourceMetrics }: Awaited<ReturnType<Meters["collect"]>>): MetricData[] {
  return resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
}
