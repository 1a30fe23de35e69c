import { expect, expectTypeOf, test } from "vitest";
import { mayCountCall, openCallDoor, withoutCapture } from "../src/call-doors.ts";
import type { Core } from "../src/core.ts";
import type { UsageEvent } from "../src/usage-event.ts";
import { context } from "@opentelemetry/api";
import { startCore, type Collector } from "./collecting.ts";
import { collectGarbageUntil } from "./garbage.ts";

const openai = { provider: "openai", model: "gpt-5" } as const;
const chunk = (text: string, finish: string | null = null): Chunk => ({
  model: "gpt-5-2026",
  choices: [{ delta: { content: text }, finish_reason: finish }],
});
const last = { model: "gpt-5-2026", choices: [], usage: { prompt_tokens: 9, completion_tokens: 3 } };
const answer: readonly Chunk[] = [chunk("a"), chunk("b"), chunk("c", "stop"), last];
const anthropic: readonly Chunk[] = [
  { type: "message_start", message: { model: "claude", usage: { input_tokens: 9, output_tokens: 1 } } },
  { type: "content_block_delta", delta: { text: "a" } },
  { type: "message_delta", usage: { output_tokens: 7 } },
  { type: "message_stop" },
];

test("a stream is handed on as the object it is, with its own type", async () => {
  const { core } = startCore();
  const stream = streamOf(answer);
  const measured = await core.llm.measure(openai, async () => stream);
  expect(measured).toBe(stream);
  expectTypeOf(measured).toEqualTypeOf<AsyncGenerator<Chunk>>();
  const web = new ReadableStream<string>();
  expectTypeOf(core.llm.measure(openai, () => web)).toEqualTypeOf<Promise<ReadableStream<string>>>();
  expect(await core.llm.measure(openai, () => web)).toBe(web);
});

test("a streamed call is over when its stream is, and not when it begins", async () => {
  const { core, events, collect } = listen();
  const stream = await core.llm.measure(openai, async () => streamOf(answer));
  expect(events).toEqual([]);
  for await (const piece of stream) void piece;
  expect(events).toEqual([
    expect.objectContaining({
      isSuccess: true,
      usageSource: "provider",
      inputTokens: 9,
      outputTokens: 3,
      responseModel: "gpt-5-2026",
    }),
  ]);
  const collection = await collect();
  const answered = { "gen_ai.response.model": "gpt-5-2026" };
  expect(collection.count("gen_ai.client.inference.time_to_first_chunk", answered)).toBe(1);
  // Three chunks of the answer; the fourth tells its usage alone.
  expect(collection.count("gen_ai.client.inference.time_per_output_chunk", answered)).toBe(2);
});

test("a reader who leaves early has used what was told until then, and is no failure", async () => {
  const { core, events } = listen();
  const stream = await core.llm.measure(openai, async () => streamOf(anthropic));
  for await (const piece of stream) if (piece.type === "content_block_delta") break;
  expect(events).toEqual([
    expect.objectContaining({
      isSuccess: false,
      errorType: null,
      usageSource: "partial",
      inputTokens: 9,
      outputTokens: 1,
    }),
  ]);
});

test("a reader who leaves when all was told has missed nothing", async () => {
  const { core, events } = listen();
  const stream = await core.llm.measure(openai, async () => streamOf(anthropic));
  for await (const piece of stream) if (piece.type === "message_delta") break;
  expect(events).toEqual([expect.objectContaining({ isSuccess: true, usageSource: "provider", outputTokens: 7 })]);
});

test("a stream that breaks has failed, with the class of its error and what it had used", async () => {
  const { core, events } = listen();
  const failure = new TypeError("secret");
  const stream = await core.llm.measure(openai, async () => streamOf(anthropic.slice(0, 2), failure));
  await expect(readAll(stream)).rejects.toBe(failure);
  expect(events).toEqual([
    expect.objectContaining({ isSuccess: false, errorType: "TypeError", usageSource: "partial", inputTokens: 9 }),
  ]);
});

test("a failure that is told inside a stream fails the call, though the stream ends well", async () => {
  const { core, events } = listen();
  const told = { type: "error", error: { type: "overloaded_error", message: "secret" } };
  for await (const piece of await core.llm.measure(openai, () => streamOf([told]))) void piece;
  expect(events).toEqual([expect.objectContaining({ isSuccess: false, errorType: "overloaded_error" })]);
});

test("a stream that nobody reads is counted when it is given up for good", async () => {
  const { core, events } = listen();
  await giveUp(core, 0);
  await giveUp(core, 1);
  await collectGarbageUntil(() => events.length === 2);
  expect(events.map(({ isSuccess, usageSource }) => [isSuccess, usageSource])).toEqual([
    [false, expect.stringMatching(/none|partial/)],
    [false, expect.stringMatching(/none|partial/)],
  ]);
});

test("a stream whose reader alone is still held is not given up", async () => {
  const { core, events } = listen();
  const reader = (await core.llm.measure(openai, async () => iterableOf(answer)))[Symbol.asyncIterator]();
  await reader.next();
  await giveUp(core, 0);
  await collectGarbageUntil(() => events.length > 0);
  expect(events).toHaveLength(1);
  for (let piece = await reader.next(); piece.done !== true;) piece = await reader.next();
  expect(events.map(({ isSuccess }) => isSuccess)).toEqual([false, true]);
});

test("a stream of texts, whose usage its own object knows, asks it when the texts are over and never before", async () => {
  const { core, events } = listen();
  const asked: string[] = [];
  const result = {
    get textStream(): ReadableStream<string> {
      return ReadableStream.from(["a", "b"]);
    },
    get fullStream(): ReadableStream<unknown> {
      return ReadableStream.from([]);
    },
    get totalUsage(): Promise<object> {
      asked.push("totalUsage");
      return Promise.resolve({ inputTokens: 9, outputTokens: 2 });
    },
    finishReason: Promise.resolve("stop"),
    response: Promise.resolve({ modelId: "gpt-5-2026" }),
  };
  const measured = await core.llm.measure(openai, () => result);
  expect(measured).toBe(result);
  const texts: string[] = [];
  for await (const text of measured.textStream) {
    expect(asked).toEqual([]);
    texts.push(text);
  }
  await expect.poll(() => events.length).toBe(1);
  expect(texts).toEqual(["a", "b"]);
  expect(events[0]).toMatchObject({ isSuccess: true, inputTokens: 9, outputTokens: 2, responseModel: "gpt-5-2026" });
});

test("a readUsage of one's own is asked at the stream's end", async () => {
  const { core, events } = listen();
  const stream = Object.assign(streamOf([chunk("a")]), { finalUsage: undefined as number | undefined });
  const measured = await core.llm.measure(
    openai,
    () => stream,
    ({ finalUsage }) => ({ inputTokens: finalUsage, outputTokens: 1 }),
  );
  stream.finalUsage = 40;
  for await (const piece of measured) void piece;
  expect(events).toEqual([expect.objectContaining({ inputTokens: 40, outputTokens: 1 })]);
});

test("a call that is captured beneath is counted there and not once more", async () => {
  const { core, events, collect } = listen();
  const capture = async (): Promise<AsyncGenerator<Chunk>> => {
    expect(mayCountCall(context.active())).toBe(true);
    return streamOf(answer);
  };
  for await (const piece of await core.llm.measure(openai, capture)) void piece;
  await core.llm.measure(openai, async () => {
    await capture();
    return { usage: { prompt_tokens: 5 } };
  });
  const failure = new Error("x");
  const failing = core.llm.measure(openai, async () => {
    await capture();
    throw failure;
  });
  await expect(failing).rejects.toBe(failure);
  expect(events).toEqual([]);
  expect((await collect()).names.filter((name) => name.startsWith("gen_ai"))).toEqual([]);
});

test("with a readUsage of one's own the call is counted here, and the capture beneath leaves it alone", async () => {
  const { core, events } = listen();
  await core.llm.measure(
    openai,
    async () => expect(mayCountCall(context.active())).toBe(false),
    () => ({ inputTokens: 5 }),
  );
  expect(events).toEqual([expect.objectContaining({ inputTokens: 5 })]);
});

test("a measured call tells those above that it is counted, and counts nothing where one of them keeps it", async () => {
  const { core, events } = listen();
  const door = openCallDoor();
  await context.with(door.active, () => core.llm.measure(openai, () => ({ usage: { prompt_tokens: 5 } })));
  expect(door.countedBeneath()).toBe(true);
  expect(events).toHaveLength(1);
  await withoutCapture(() => core.llm.measure(openai, () => ({ usage: { prompt_tokens: 5 } })));
  expect(events).toHaveLength(1);
});

test("the times between a long stream's chunks are all recorded, without being kept until its end", async () => {
  const { core, collect } = listen();
  const run = core.llm.start(openai);
  run.responded("gpt-5-2026");
  for (let count = 0; count < 1000; count++) run.chunk();
  const answered = { "gen_ai.response.model": "gpt-5-2026" };
  const before = (await collect()).count("gen_ai.client.inference.time_per_output_chunk", answered);
  expect(before).toBeGreaterThan(999 - 128);
  run.complete({ inputTokens: 1 });
  const collection = await collect();
  expect(collection.count("gen_ai.client.inference.time_per_output_chunk")).toBe(999);
  expect(collection.count("gen_ai.client.inference.time_per_output_chunk", answered)).toBe(999);
});

test("a call that is told of later begins when and where it began", async () => {
  const { core, events } = listen();
  const within = core.withAttribution({ tenant: "acme" }, () => context.active());
  core.llm.start(openai, { begunAt: performance.now() - 5000, within }).complete({ inputTokens: 1 });
  expect(events).toEqual([expect.objectContaining({ tenant: "acme" })]);
  expect(events[0]!.inferenceMs).toBeGreaterThanOrEqual(5000);
});

test("a call that is discarded leaves no trace in any meter", async () => {
  const { core, events, collect } = listen();
  const run = core.llm.start(openai);
  run.chunk();
  run.discard();
  run.complete({ inputTokens: 1 });
  expect(events).toEqual([]);
  expect((await collect()).names.filter((name) => /llm|gen_ai/.test(name))).toEqual([]);
});

interface Chunk {
  readonly type?: string;
  readonly [field: string]: unknown;
}

async function* streamOf(pieces: readonly Chunk[], failure?: Error): AsyncGenerator<Chunk> {
  yield* pieces;
  if (failure) throw failure;
}

async function readAll(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const piece of stream) void piece;
}

function iterableOf(pieces: readonly Chunk[]): AsyncIterable<Chunk> {
  return { [Symbol.asyncIterator]: () => streamOf(pieces) };
}

/** By itself, so that nothing of the caller's holds the stream. */
async function giveUp(core: Core, read: number): Promise<void> {
  const reader = (await core.llm.measure(openai, async () => iterableOf(answer)))[Symbol.asyncIterator]();
  for (let count = 0; count < read; count++) await reader.next();
}

function listen(): Collector & { readonly core: Core; readonly events: UsageEvent[] } {
  const started = startCore();
  const events: UsageEvent[] = [];
  started.core.addUsageSink({ write: (event) => void events.push(event) });
  return { ...started, events };
}
