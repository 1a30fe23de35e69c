import fc from "fast-check";
import { expect, test } from "vitest";
import { createUsageReader, type UsageReader } from "./llm-usage-reader.ts";
import { usageOf } from "./llm-usage.ts";

const text = "secret";
const chunk = (finish: string | null = null): object => ({
  model: "gpt-5-2026",
  choices: [{ index: 0, delta: { content: text }, finish_reason: finish }],
});
const gemini = (usageMetadata: object, finishReason?: string): object => ({
  candidates: [{ content: { parts: [{ text }] }, finishReason }],
  usageMetadata,
  modelVersion: "gemini-3",
});

/** Streams whose last event tells the final figures, and none before. */
const streams: readonly (readonly [name: string, events: readonly object[], usage: object])[] = [
  [
    "OpenAI's chat, whose usage comes in a chunk of its own",
    [
      chunk(),
      chunk("stop"),
      {
        choices: [],
        service_tier: "flex",
        usage: { prompt_tokens: 9, completion_tokens: 4, prompt_tokens_details: { cached_tokens: 5 } },
      },
    ],
    { inputTokens: 9, outputTokens: 4, cacheReadTokens: 5, responseModel: "gpt-5-2026", serviceTier: "flex" },
  ],
  [
    "vLLM, each chunk of which tells the sum until then",
    [
      { ...chunk(), usage: { prompt_tokens: 9, completion_tokens: 1 } },
      { ...chunk(), usage: { prompt_tokens: 9, completion_tokens: 2 } },
      { ...chunk("length"), usage: { prompt_tokens: 9, completion_tokens: 3 } },
    ],
    { inputTokens: 9, outputTokens: 3 },
  ],
  [
    "Groq, whose last chunk holds it in a place of its own",
    [chunk(), { ...chunk("stop"), x_groq: { usage: { prompt_tokens: 9, completion_tokens: 2 } } }],
    { inputTokens: 9, outputTokens: 2 },
  ],
  [
    "OpenAI's responses",
    [
      { type: "response.created", response: { model: "gpt-5", usage: null } },
      { type: "response.output_text.delta", delta: text },
      {
        type: "response.completed",
        response: {
          model: "gpt-5",
          service_tier: "default",
          usage: { input_tokens: 9, output_tokens: 8, output_tokens_details: { reasoning_tokens: 6 } },
        },
      },
    ],
    { inputTokens: 9, outputTokens: 8, reasoningTokens: 6, responseModel: "gpt-5", serviceTier: "default" },
  ],
  [
    "OpenAI's responses that stop at a limit",
    [{ type: "response.incomplete", response: { model: "gpt-5", usage: { input_tokens: 9, output_tokens: 8 } } }],
    { inputTokens: 9, outputTokens: 8 },
  ],
  [
    "OpenAI's images",
    [
      { type: "image_generation.partial_image", b64_json: text },
      { type: "image_generation.completed", b64_json: text, usage: { input_tokens: 9, output_tokens: 100 } },
    ],
    { inputTokens: 9, outputTokens: 100 },
  ],
  [
    "Anthropic, whose events tell sums that must not be added up",
    [
      {
        type: "message_start",
        message: {
          model: "claude",
          usage: {
            input_tokens: 10,
            cache_read_input_tokens: 200,
            cache_creation_input_tokens: 30,
            cache_creation: { ephemeral_1h_input_tokens: 30 },
            output_tokens: 3,
            service_tier: "priority",
          },
        },
      },
      { type: "content_block_delta", delta: { text } },
      {
        type: "message_delta",
        delta: { stop_reason: "end_turn" },
        usage: {
          input_tokens: 10,
          cache_read_input_tokens: 200,
          cache_creation_input_tokens: null,
          output_tokens: 77,
          server_tool_use: { web_search_requests: 1 },
        },
      },
    ],
    {
      inputTokens: 240,
      outputTokens: 77,
      cacheReadTokens: 200,
      cacheWriteTokens: 30,
      cacheWriteHourTokens: 30,
      webSearches: 1,
      responseModel: "claude",
      serviceTier: "priority",
    },
  ],
  [
    "Gemini, each chunk of which tells the sum until then",
    [
      gemini({ promptTokenCount: 8, cachedContentTokenCount: 4 }),
      gemini({ promptTokenCount: 8, candidatesTokenCount: 2 }),
      gemini({ promptTokenCount: 8, candidatesTokenCount: 5, thoughtsTokenCount: 3 }, "STOP"),
    ],
    { inputTokens: 8, outputTokens: 8, cacheReadTokens: 4, reasoningTokens: 3, responseModel: "gemini-3" },
  ],
  [
    "Bedrock's Converse",
    [
      { contentBlockDelta: { delta: { text } } },
      { messageStop: { stopReason: "end_turn" } },
      { metadata: { usage: { inputTokens: 5, cacheReadInputTokens: 10, outputTokens: 6 }, metrics: {} } },
    ],
    { inputTokens: 15, outputTokens: 6, cacheReadTokens: 10 },
  ],
  [
    "Ollama",
    [
      { model: "llama4", message: { content: text }, done: false },
      { model: "llama4", done: true, prompt_eval_count: 5, eval_count: 6 },
    ],
    { inputTokens: 5, outputTokens: 6, responseModel: "llama4" },
  ],
  [
    "the AI SDK, whose end tells of all steps",
    [
      { type: "text-delta", text },
      { type: "finish-step", usage: { inputTokens: 5, outputTokens: 6 }, response: { modelId: "gpt-5" } },
      { type: "finish-step", usage: { inputTokens: 15, outputTokens: 2 }, response: { modelId: "gpt-5" } },
      { type: "finish", totalUsage: { inputTokens: 20, outputTokens: 8 } },
    ],
    { inputTokens: 20, outputTokens: 8, responseModel: "gpt-5" },
  ],
  [
    "a model of the AI SDK",
    [
      { type: "response-metadata", modelId: "gpt-5" },
      { type: "text-delta", delta: text },
      { type: "finish", usage: { inputTokens: { total: 20 }, outputTokens: { total: 8, reasoning: 4 } } },
    ],
    { inputTokens: 20, outputTokens: 8, reasoningTokens: 4, responseModel: "gpt-5" },
  ],
  [
    "LangChain, whose chunks are made to be added up",
    [
      { content: text, usage_metadata: { input_tokens: 20, output_tokens: 1 }, response_metadata: {} },
      {
        content: "",
        usage_metadata: { input_tokens: 0, output_tokens: 9 },
        additional_kwargs: { stop_reason: "end_turn" },
        response_metadata: { model_name: "claude" },
      },
    ],
    { inputTokens: 20, outputTokens: 10, responseModel: "claude" },
  ],
];

test.each(streams)(
  "the usage of a stream of %s is known at its end, and not taken for final before",
  (_name, events, usage) => {
    const reader = createUsageReader();
    for (const event of events.slice(0, -1)) reader.read(event);
    expect(reader.isFinal()).toBe(false);
    reader.read(events.at(-1));
    expect(reader.isFinal()).toBe(true);
    expect(reader.usage()).toMatchObject(usage);
    expect(reader.failure()).toBeUndefined();
  },
);

test.each(streams)("nothing of what a stream of %s says is read, so that no content can leak", (_name, events) => {
  const reader = createUsageReader();
  for (const event of events) reader.read(watched(event));
  expect(reader.isFinal()).toBe(true);
});

test("what a stream that was cut had told until then is known: a caller who gives up has still used it", () => {
  expect(readAll([streams[6]![1][0]]).usage()).toMatchObject({ inputTokens: 240, outputTokens: 3 });
  expect(readAll([streams[7]![1][0]]).usage()).toMatchObject({ inputTokens: 8, cacheReadTokens: 4 });
  expect(readAll([streams[10]![1][1]]).usage()).toMatchObject({ inputTokens: 5, outputTokens: 6 });
});

test("no answer breaks what reads it, whatever stands in the known places", () => {
  const names = [
    ...new Set(JSON.stringify(streams).match(/(?<=")\w+(?=":)/g)),
    "embeddings",
    "statistics",
    "cacheDetails",
    "promptTokensDetails",
    "meta",
    "billed_units",
    "__proto__",
    "error",
  ];
  const types = [
    "message_start",
    "message_delta",
    "response.completed",
    "finish",
    "finish-step",
    "error",
    "text-delta",
  ];
  const event = fc.object({
    key: fc.constantFrom(...names),
    values: [fc.constant(null), fc.double(), fc.constantFrom(...types), fc.array(fc.double()), fc.boolean()],
    maxDepth: 4,
  });
  fc.assert(
    fc.property(fc.array(event), (events) => {
      const reader = readAll(events);
      for (const each of events) expect(usageOf(each)?.inputTokens ?? 0).toBeTypeOf("number");
      expect(reader.usage()?.inputTokens ?? 0).toBeTypeOf("number");
      expect(reader.failure() ?? "").toMatch(/^\w{0,40}$/);
    }),
    { numRuns: 1000 },
  );
  const statistics = { tokenCount: 1 };
  const many = Array.from({ length: 300_000 }, () => ({ statistics }));
  expect(usageOf({ embeddings: many })).toEqual({ inputTokens: 300_000 });
});

test("searches of the web are counted in a stream that is cut after them, and once in one that tells them again at its end", () => {
  const item = { type: "web_search_call", status: "completed", action: { type: "search", query: text } };
  const cut = [
    { type: "response.created", response: { model: "gpt-5", output: [], usage: null } },
    { type: "response.output_item.added", item: { ...item, status: "in_progress" } },
    { type: "response.output_item.done", item },
    { type: "response.output_item.done", item: { ...item, action: { type: "open_page", url: text } } },
    { type: "response.output_item.done", item },
  ];
  expect(readAll(cut).usage()).toMatchObject({ webSearches: 2, responseModel: "gpt-5" });
  const response = { model: "gpt-5", output: [item, item], usage: { input_tokens: 9, output_tokens: 8 } };
  expect(readAll([...cut, { type: "response.completed", response }]).usage()).toMatchObject({ webSearches: 2 });
});

test("the searches of Gemini's stream count, wherever in it they are told", () => {
  const grounded = (...webSearchQueries: string[]): object => ({
    candidates: [{ groundingMetadata: { webSearchQueries } }],
    modelVersion: "gemini-3-pro",
  });
  const reader = readAll([
    grounded("one"),
    grounded("one", "two"),
    gemini({ promptTokenCount: 8, candidatesTokenCount: 5 }, "STOP"),
  ]);
  expect(reader.usage()).toMatchObject({ inputTokens: 8, webSearches: 2 });
});

test("a stream that tells nothing has no usage, instead of zeros", () => {
  expect(readAll([]).usage()).toBeNull();
  expect(readAll([null, undefined, 5, text, new Uint8Array(3), [], {}, { type: "ping" }]).usage()).toBeNull();
  expect(readAll([chunk()]).usage()).toEqual({ responseModel: "gpt-5-2026", serviceTier: undefined });
});

test.each([
  ["Anthropic", { type: "error", error: { type: "overloaded_error", message: text } }, "overloaded_error"],
  ["OpenAI's responses", { type: "error", code: "server_error", message: text }, "server_error"],
  [
    "a failed response",
    { type: "response.failed", response: { error: { code: "rate_limit_exceeded" } } },
    "rate_limit_exceeded",
  ],
  ["OpenRouter", { error: { code: 502, message: text }, choices: [] }, "stream_error"],
  ["a message in the code's place", { type: "error", error: { type: `it said ${text}` } }, "stream_error"],
  ["the AI SDK", { type: "error", error: new TypeError(text) }, "TypeError"],
  ["the AI SDK, of an answer", { type: "error", error: Object.assign(new Error(text), { statusCode: 429 }) }, "429"],
])(
  "a failure that is told inside the stream of %s is one, by a word and never by its message",
  (_name, event, type) => {
    expect(readAll([event]).failure()).toBe(type);
  },
);

test("the usage of an agent's steps is added up, until the end tells their sum", () => {
  const reader = createUsageReader();
  for (let step = 0; step < 1000; step++) {
    reader.read({ type: "finish-step", usage: { inputTokens: 1, outputTokens: 2 }, response: { modelId: "m" } });
  }
  expect(reader.usage()).toEqual({
    inputTokens: 1000,
    outputTokens: 2000,
    cacheReadTokens: undefined,
    cacheWriteTokens: undefined,
    cacheWriteHourTokens: undefined,
    reasoningTokens: undefined,
    responseModel: "m",
    serviceTier: undefined,
  });
});

function readAll(events: readonly unknown[]): UsageReader {
  const reader = createUsageReader();
  for (const event of events) reader.read(event);
  return reader;
}

/** Throws when the text is read. */
function watched(target: object): object {
  return new Proxy(target, {
    get(object, field) {
      const value = Reflect.get(object, field) as unknown;
      if (value === text) throw new Error(`${String(field)} was read`);
      return typeof value === "object" && value !== null ? watched(value) : value;
    },
  });
}
