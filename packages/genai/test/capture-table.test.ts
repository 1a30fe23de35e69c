import type { UsageEvent } from "@meterbridge/core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { dialFetch, outcomeOf, nobodyTriesAgain, settled, startCapture } from "./support/capture.ts";
import type { Client } from "./support/client.ts";
import { clients, embedders } from "./support/clients.ts";
import { billFor, cachedBill, handMadeCosts, type HandMadeCosts } from "./support/hand-made-costs.ts";
import { type Collection, startMeters } from "./support/meters.ts";
import { type Provider, startProvider } from "./support/provider.ts";
import type { Reply, ToolCall } from "./support/reply.ts";

let provider: Provider;
beforeAll(async () => {
  provider = await startProvider();
});
afterAll(() => provider.stop());
beforeEach(() => provider.forget());

/** Makes the call, which is told when its answer has begun, without capture and with it: the client must not see a difference. What was metered is what capture saw. */
async function metered(call: (begun: Promise<void>) => Promise<unknown>, ...replies: Reply[]): Promise<Metered> {
  const dialled = dialFetch(provider);
  provider.script(...replies);
  const without = await outcomeOf(() => call(dialled.answered()));
  const meters = startMeters();
  startCapture();
  provider.script(...replies);
  const withCapture = await outcomeOf(() => call(dialled.answered()));
  expect(withCapture).toBe(without);
  nobodyTriesAgain();
  await settled(meters.events, 1);
  const [event, ...more] = meters.events;
  expect(more, "one call is counted once").toEqual([]);
  return { event: event!, collection: await meters.collect(), outcome: without };
}

interface Metered {
  readonly event: UsageEvent;
  readonly collection: Collection;
  readonly outcome: string;
}

/** The usage event and the meters of one call that ended well, by the provider's own count. */
function expectExact(
  { event, collection }: Metered,
  client: Pick<Client, "provider" | "model">,
  kind: keyof HandMadeCosts,
): void {
  const bill = billFor(client.provider, kind);
  const nanoUsd = handMadeCosts[client.provider]![kind];
  const isTold = client.provider === "openrouter";
  expect(event).toMatchObject({
    kind: "llm_call",
    provider: client.provider,
    model: client.model,
    inputTokens: bill.input,
    outputTokens: bill.output,
    costNanoUsd: nanoUsd,
    costStatus: nanoUsd === null ? "unpriced" : isTold ? "provider" : "priced",
    isSuccess: true,
    errorType: null,
    usageSource: "provider",
  });
  expect(event.cacheReadTokens ?? 0).toBe(bill.cacheRead ?? 0);
  expect(event.cacheWriteTokens ?? 0).toBe(bill.cacheWrite ?? 0);
  const { total, count } = collection;
  const model = { provider: client.provider, model: client.model };
  expect(total("llm.requests", { ...model, status: "completed" })).toBe(1);
  expect(total("llm.requests")).toBe(1);
  const usage = "gen_ai.client.inference.usage";
  expect(total(`${usage}.input_tokens`, { "gen_ai.provider.name": client.provider })).toBe(bill.input);
  expect(total(`${usage}.output_tokens`, { "gen_ai.request.model": client.model })).toBe(bill.output);
  expect(total(`${usage}.cache_read.input_tokens`)).toBe(bill.cacheRead ?? 0);
  expect(total(`${usage}.cache_write.input_tokens`)).toBe(bill.cacheWrite ?? 0);
  expect(total("gen_ai.client.token.usage", { "gen_ai.token.type": "input" })).toBe(bill.input);
  expect(total("llm.cost", model)).toBe(Number(nanoUsd ?? 0n) / 1e9);
  expect(count("llm.request.cost", model)).toBe(nanoUsd === null ? 0 : 1);
  expect(total("llm.unpriced", model)).toBe(nanoUsd === null ? 1 : 0);
}

const weather: ToolCall = { name: "weather", arguments: '{"city":"Paris"}' };
// A token each, by the tokenizer of the models that are called.
const words = ["Hello", " there", ",", " how", " are", " you", " to", " day"];

describe.each(clients)("$name", (client) => {
  const plain: Reply = { bill: billFor(client.provider, "plain") };
  const inference = client.operation === "chat" || client.operation === "generate_content";

  test("a plain call", async () => {
    const found = await metered(() => client.plain(), plain);
    expectExact(found, client, "plain");
    expect(found.event.attempts).toBe(1);
    expect(inference).toBe(true);
    expect(
      found.collection.count("gen_ai.client.inference.duration", { "gen_ai.operation.name": client.operation }),
    ).toBe(1);
    expect(found.collection.count("gen_ai.client.inference.time_to_first_chunk")).toBe(0);
  });

  test("a stream", async () => {
    const found = await metered(() => client.stream({ includeUsage: true }), { ...plain, text: words });
    expectExact(found, client, "plain");
    expect(found.collection.count("gen_ai.client.inference.duration")).toBe(1);
    expect(found.collection.count("gen_ai.client.inference.time_to_first_chunk")).toBe(1);
  });

  test("tool calls", async () => {
    expectExact(
      await metered(() => client.plain({ withTools: true }), { ...plain, toolCalls: [weather] }),
      client,
      "plain",
    );
  });

  test("tool calls in a stream", async () => {
    const reply = { ...plain, toolCalls: [weather] };
    expectExact(await metered(() => client.stream({ withTools: true, includeUsage: true }), reply), client, "plain");
  });

  test.each([
    [400, "invalid_request_error"],
    [401, "authentication_error"],
    [404, "not_found_error"],
    [429, "rate_limit_error"],
    [500, "api_error"],
    [529, "overloaded_error"],
  ])("a call refused with %i", async (status, type) => {
    const found = await metered(() => client.plain(), { failure: { status, type, retryAfterSeconds: 1 } });
    expectFailed(found, client, String(status));
  });

  test("a stream refused with 429", async () => {
    const found = await metered(() => client.stream(), { failure: { status: 429, type: "rate_limit_error" } });
    expectFailed(found, client, "429");
  });

  test("a stream in which the provider tells of its failure", async () => {
    const found = await metered(() => client.stream(), { ...plain, text: words, errorEventAfter: 2 });
    expect(found.event).toMatchObject({ isSuccess: false, errorType: errorTypeIn(client) });
    expect(found.collection.total("llm.requests", { status: "failed" })).toBe(1);
  });

  test("a stream whose line goes dead", async () => {
    const found = await metered(() => client.stream(), { ...plain, text: words, delivery: { destroyAfter: 4 } });
    expect(found.event).toMatchObject({ isSuccess: false, errorType: "UND_ERR_SOCKET" });
    expectEstimated(found.event, client, 4);
  });

  test.each([0, 1, 4, 8])("a stream given up after %i of 8 chunks", async (stopAfter) => {
    const found = await metered((begun) => client.stream({ stopAfter, begun }), {
      ...plain,
      text: words,
      delivery: { holdAfter: stopAfter },
    });
    // The last chunk of Gemini tells the usage: whoever stops after that has had all of the answer.
    const isWhole = client.provider === "gcp.gemini" && stopAfter === words.length;
    expect(found.event).toMatchObject({ isSuccess: isWhole, errorType: null });
    expect(found.collection.total("llm.requests", { status: isWhole ? "completed" : "cancelled" })).toBe(1);
    expectEstimated(found.event, client, stopAfter);
    expect(found.collection.count("gen_ai.client.inference.duration")).toBe(1);
    expect(found.collection.count("gen_ai.client.inference.time_to_first_chunk")).toBe(stopAfter === 0 ? 0 : 1);
  });
});

// What a provider or client does not have is no row of the table.
describe.each(clients.filter((client) => client.asksForUsage))("$name", (client) => {
  const plain: Reply = { bill: billFor(client.provider, "plain") };
  test("a stream that was not asked for its usage", async () => {
    const found = await metered(() => client.stream(), { ...plain, text: words });
    expectExact(found, client, "plain");
    expect(found.outcome).not.toContain("prompt_tokens");
  });
});

describe.each(clients.filter((client) => client.provider !== "ollama"))("$name", (client) => {
  test("cached tokens, once", async () => {
    const reply = { bill: billFor(client.provider, "cached") };
    expectExact(await metered(() => client.plain(), reply), client, "cached");
  });

  test("cached tokens in a stream, once", async () => {
    const reply = { bill: billFor(client.provider, "cached") };
    expectExact(await metered(() => client.stream({ includeUsage: true }), reply), client, "cached");
  });

  test("reasoning, which is output", async () => {
    const found = await metered(() => client.plain(), { bill: billFor(client.provider, "reasoning") });
    expectExact(found, client, "reasoning");
    // Anthropic does not tell it apart.
    expect(found.event.reasoningTokens).toBe(client.provider === "anthropic" ? null : 400);
  });
});

describe.each(clients.filter((client) => client.retries))("$name", (client) => {
  const plain: Reply = { bill: billFor(client.provider, "plain") };
  test("a call that is tried again is one call of three attempts", async () => {
    const refused: Reply = { failure: { status: 429, type: "rate_limit_error" }, delivery: soon };
    const failed: Reply = { failure: { status: 500, type: "api_error" }, delivery: soon };
    const found = await metered(() => client.plain({ maxRetries: 2 }), refused, failed, plain);
    expectExact(found, client, "plain");
    expect(found.event.attempts).toBe(3);
  });

  test("a call that is given up after three attempts is one failure", async () => {
    const refused: Reply = { failure: { status: 429, type: "rate_limit_error" }, delivery: soon };
    const found = await metered(() => client.plain({ maxRetries: 2 }), refused, refused, refused);
    expectFailed(found, client, "429");
    expect(found.event.attempts).toBe(3);
  });
});

describe.each(embedders)("embeddings by $name", (embedder) => {
  test("their tokens", async () => {
    const found = await metered(() => embedder.embed(), { bill: { input: 100, output: 0 } });
    const { event, collection } = found;
    expect(event).toMatchObject({ provider: embedder.provider, model: embedder.model, isSuccess: true });
    expect(collection.count("gen_ai.client.operation.duration", { "gen_ai.operation.name": "embeddings" })).toBe(1);
    if (embedder.provider === "gcp.gemini") {
      // It tells no usage: "one" and "two" are a token each.
      expect(event.usageSource).toBe("estimated");
      expect(event.inputTokens).toBeGreaterThanOrEqual(1);
      expect(event.inputTokens).toBeLessThanOrEqual(4);
      // 150 nano-USD a token.
      expect(event.costNanoUsd).toBe(BigInt(event.inputTokens!) * 150n);
      return;
    }
    expect(event).toMatchObject({ inputTokens: 100, usageSource: "provider" });
    expect(event.outputTokens ?? 0).toBe(0);
    // text-embedding-3-small: 100 × 20 nano-USD.
    expect(event.costNanoUsd).toBe(embedder.provider === "openai" ? 2_000n : null);
  });
});

test("what the table calls cached is what the provider's own sum says", () => {
  const { input, cacheRead = 0, cacheWrite = 0 } = cachedBill("anthropic");
  expect(input - cacheRead - cacheWrite).toBe(100);
});

/** Tells the clients to try again at once. */
const soon = { headers: { "retry-after-ms": "1" } };

function expectFailed({ event, collection }: Metered, client: Client, errorType: string): void {
  expect(event).toMatchObject({
    provider: client.provider,
    model: client.model,
    inputTokens: null,
    outputTokens: null,
    costNanoUsd: null,
    costStatus: "none",
    usageSource: "none",
    isSuccess: false,
    errorType,
  });
  expect(collection.total("llm.requests", { status: "failed" })).toBe(1);
  expect(collection.count("gen_ai.client.inference.duration", { "error.type": errorType })).toBe(1);
  expect(collection.total("llm.unpriced")).toBe(0);
}

/**
 * What a cut stream of `words` used. The input is exact where the provider tells it with the first chunk, the output by what
 * passed: from half to twice of it.
 */
function expectEstimated(event: UsageEvent, client: Client, chunks: number): void {
  const tellsInput = chunks > 0 && (client.provider === "anthropic" || client.provider === "gcp.gemini");
  if (client.provider === "gcp.gemini" && chunks === words.length) {
    // Its last chunk of text tells all of the usage.
    expect(event).toMatchObject({ inputTokens: 100, outputTokens: 20 });
    return;
  }
  expect(event.usageSource).toBe(tellsInput ? "partial" : "estimated");
  if (tellsInput) expect(event.inputTokens).toBe(100);
  else {
    // The prompt is 14 tokens.
    expect(event.inputTokens).toBeGreaterThanOrEqual(7);
    expect(event.inputTokens).toBeLessThanOrEqual(28);
  }
  expect(event.outputTokens ?? 0).toBeGreaterThanOrEqual(Math.floor(chunks / 2));
  expect(event.outputTokens ?? 0).toBeLessThanOrEqual(chunks * 2);
  expect(event.costStatus).toBe(client.provider === "ollama" ? "unpriced" : "estimated");
  if (client.provider === "ollama") expect(event.costNanoUsd).toBeNull();
  else expect(event.costNanoUsd).toBeGreaterThan(0n);
}

/** The word of the provider for its failure, where it has one. */
function errorTypeIn({ name, provider: of }: Client): string {
  if (of === "gcp.gemini") return "UNAVAILABLE";
  if (of === "ollama") return "stream_error";
  return name === "openai responses" || name === "ai sdk with openai" ? "server_error" : "overloaded_error";
}
