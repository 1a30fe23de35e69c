import { expect, test } from "vitest";
import { createRequestReader, readStream, splitAt } from "../../test/support/read-stream.ts";

// Shapes as the providers document them and their clients declare them, without what is not read.

const messages = [{ role: "user", content: "Say hello" }];
const sse = (...events: readonly object[]): string =>
  events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("");
const named = (...events: readonly { type: string }[]): string =>
  events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join("");

const anthropic = createRequestReader("https://api.anthropic.com/v1/messages", {
  model: "claude-opus-5",
  max_tokens: 100,
  stream: true,
  service_tier: "auto",
  messages,
});
const started = {
  type: "message_start",
  message: {
    id: "msg_1",
    type: "message",
    model: "claude-opus-5-20260101",
    content: [],
    usage: {
      input_tokens: 10,
      cache_read_input_tokens: 200,
      cache_creation_input_tokens: 30,
      output_tokens: 1,
      service_tier: "standard",
    },
  },
};
const blocks = [
  { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
  { type: "ping" },
  { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Hello there, this is a text" } },
  { type: "content_block_delta", index: 0, delta: { type: "thinking_delta", thinking: "and a thought " } },
  { type: "content_block_delta", index: 0, delta: { type: "signature_delta", signature: "x".repeat(400) } },
  {
    type: "content_block_delta",
    index: 1,
    delta: { type: "input_json_delta", partial_json: '{"usage":{"input_tokens":9}}' },
  },
  { type: "content_block_stop", index: 0 },
];
const ended = [
  { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 77 } },
  { type: "message_stop" },
];

test("Anthropic's stream tells its input first and its output last", () => {
  const { route, facts } = anthropic;
  expect(facts).toMatchObject({ model: "claude-opus-5", isStreamed: true, serviceTier: "auto", operation: "chat" });
  const bytes = Buffer.from(named(started, ...blocks, ...ended));
  for (const pieces of [[bytes], splitAt(bytes, [...bytes.keys()])]) {
    const { reader } = readStream(route, facts, pieces);
    expect(reader.ending(false)).toMatchObject({
      inputTokens: 240,
      cacheReadTokens: 200,
      cacheWriteTokens: 30,
      outputTokens: 77,
      responseModel: "claude-opus-5-20260101",
      usageSource: "provider",
    });
    expect(reader.contentChunks()).toBe(3);
    expect(reader.unreadable()).toBeUndefined();
  }
});

test("Anthropic's stream that is cut keeps the input that was told, and the output is estimated from what passed", () => {
  const { route, facts } = anthropic;
  const { reader } = readStream(route, facts, named(started, ...blocks));
  const passed = 'Hello there, this is a textand a thought {"usage":{"input_tokens":9}}'.length;
  expect(reader.ending(true)).toMatchObject({
    inputTokens: 240,
    outputTokens: Math.ceil(passed / 4),
    usageSource: "partial",
  });
  expect(readStream(route, facts, named(started)).reader.ending(true)).toMatchObject({
    outputTokens: 1,
    usageSource: "partial",
  });
});

test("Anthropic's error event fails the call with its word, not with its message", () => {
  const { route, facts } = anthropic;
  const error = { type: "error", error: { type: "overloaded_error", message: "secret" } };
  const { reader } = readStream(route, facts, named(started, error));
  expect(reader.failure()).toBe("overloaded_error");
});

const responses = createRequestReader("https://api.openai.com/v1/responses", {
  model: "gpt-5",
  stream: true,
  input: "Say hello",
});
const response = {
  id: "resp_1",
  object: "response",
  model: "gpt-5-2026",
  status: "in_progress",
  error: null,
  usage: null,
  output: [],
};
const delta = (text: string, at: number): object => ({
  type: "response.output_text.delta",
  sequence_number: at,
  item_id: "msg_1",
  output_index: 0,
  content_index: 0,
  delta: text,
  logprobs: [],
});

test("OpenAI's responses tell their usage in the last event, which holds the whole answer", () => {
  const usage = {
    input_tokens: 50,
    input_tokens_details: { cached_tokens: 10 },
    output_tokens: 30,
    output_tokens_details: { reasoning_tokens: 25 },
    total_tokens: 80,
  };
  const completed = {
    type: "response.completed",
    response: { ...response, status: "completed", service_tier: "flex", usage },
  };
  const stream = sse({ type: "response.created", response }, delta("Hel", 1), delta("lo", 2), completed);
  const { reader } = readStream(responses.route, responses.facts, stream);
  expect(reader.ending(false)).toMatchObject({
    inputTokens: 50,
    outputTokens: 30,
    cacheReadTokens: 10,
    reasoningTokens: 25,
    serviceTier: "flex",
    responseModel: "gpt-5-2026",
    usageSource: "provider",
  });
  expect(reader.contentChunks()).toBe(2);
});

test("OpenAI's responses that are cut are estimated, and those that fail within say so", () => {
  const cut = readStream(
    responses.route,
    responses.facts,
    sse({ type: "response.created", response }, delta("x".repeat(40), 1)),
  );
  expect(cut.reader.ending(true)).toMatchObject({ inputTokens: 3, outputTokens: 10, usageSource: "estimated" });
  const error = { code: "server_error", message: "secret" };
  const failed = { type: "response.failed", response: { ...response, status: "failed", error } };
  expect(readStream(responses.route, responses.facts, sse(failed)).reader.failure()).toBe("server_error");
});

const gemini = createRequestReader(
  "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
  { contents: [{ role: "user", parts: [{ text: "Say hello" }] }] },
);
const candidate = (text: string, output: number, thoughts?: number, end?: string): object => ({
  candidates: [{ content: { parts: [{ text }], role: "model" }, index: 0, ...(end && { finishReason: end }) }],
  usageMetadata: {
    promptTokenCount: 11,
    candidatesTokenCount: output,
    ...(thoughts && { thoughtsTokenCount: thoughts }),
    totalTokenCount: 11 + output,
  },
  modelVersion: "gemini-2.5-flash-001",
});
const candidates = [
  ...[1, 2, 3, 4, 5, 6].map((count) => candidate("Hello ", count)),
  // Told once: what comes after does not take it back.
  candidate("there", 7, 40),
  candidate(" you", 8),
  candidate("", 9, undefined, "STOP"),
];
const geminiTold = { inputTokens: 11, outputTokens: 49, reasoningTokens: 40, responseModel: "gemini-2.5-flash-001" };

test("Gemini's stream tells sums in every event, some of them once, and all of them count", () => {
  const { reader } = readStream(gemini.route, gemini.facts, sse(...candidates).replaceAll("\n", "\r\n"));
  expect(reader.ending(false)).toMatchObject({ ...geminiTold, usageSource: "provider" });
  expect(reader.contentChunks()).toBe(8);
});

test("Gemini's stream as one JSON array, indented as Google sends it, is read member by member, wherever it is cut", () => {
  const text = `[${candidates.map((event) => JSON.stringify(event, null, 2)).join("\n,\r\n")}\n]\n`;
  const bytes = Buffer.from(text);
  for (const pieces of [[bytes], splitAt(bytes, [...bytes.keys()]), splitAt(bytes, [3, 100, 101, 750, 1400])]) {
    const { reader, passed } = readStream(gemini.route, gemini.facts, pieces);
    expect(passed).toBe(text);
    expect(reader.ending(false)).toMatchObject({ ...geminiTold, usageSource: "provider" });
    expect(reader.contentChunks()).toBe(8);
    expect(reader.unreadable()).toBeUndefined();
  }
});

test("Gemini's stream that is cut is partial by what was told until then", () => {
  const { reader } = readStream(gemini.route, gemini.facts, sse(...candidates.slice(0, 3)));
  expect(reader.ending(true)).toMatchObject({ inputTokens: 11, usageSource: "partial" });
});

test("usage that a model writes into a function's arguments is not taken for Gemini's", () => {
  const args = { usageMetadata: { promptTokenCount: 999_999, candidatesTokenCount: 1 } };
  const call = { candidates: [{ content: { parts: [{ functionCall: { name: "f", args } }] }, index: 0 }] };
  const { reader } = readStream(
    gemini.route,
    gemini.facts,
    sse(...candidates.slice(0, 6), call, ...candidates.slice(6)),
  );
  expect(reader.ending(false)).toMatchObject(geminiTold);
});

test("an answer of Vertex AI for embeddings is counted text by text", () => {
  const { route, facts } = createRequestReader(
    "https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/google/models/text-embedding-005:predict",
    { instances: [{ content: "one" }, { content: "two" }] },
  );
  expect(facts).toMatchObject({ operation: "embeddings", model: "text-embedding-005", inputCharacters: 6 });
  const reader = route.format.createReader(facts);
  const prediction = (count: number): object => ({ embeddings: { values: [0.1], statistics: { token_count: count } } });
  reader.readWhole({ predictions: [prediction(3), prediction(4)] });
  expect(reader.ending(false)).toMatchObject({ inputTokens: 7, usageSource: "provider" });
});

test("Ollama streams JSON line by line unasked, and tells its usage in the last line", () => {
  const { route, facts } = createRequestReader("http://localhost:11434/api/chat", { model: "llama3.2", messages });
  expect(facts).toMatchObject({ isStreamed: true, operation: "chat" });
  const line = (text: string): object => ({
    model: "llama3.2",
    message: { role: "assistant", content: text },
    done: false,
  });
  const last = { ...line(""), done: true, done_reason: "stop", prompt_eval_count: 26, eval_count: 298 };
  const stream = [line("Hel"), line("lo"), last].map((event) => `${JSON.stringify(event)}\n`).join("");
  const { reader, passed } = readStream(route, facts, splitAt(Buffer.from(stream), [5, 60, 61, 140]));
  expect(passed).toBe(stream);
  expect(reader.ending(false)).toMatchObject({
    inputTokens: 26,
    outputTokens: 298,
    responseModel: "llama3.2",
    usageSource: "provider",
  });
  expect(reader.contentChunks()).toBe(2);
  expect(route.format.answerKind("application/x-ndjson", facts)).toBe("stream");
});

test("Cohere's stream tells its usage in the event of its end", () => {
  const { route, facts } = createRequestReader("https://api.cohere.com/v2/chat", {
    model: "command-a",
    stream: true,
    messages,
  });
  const stream = named(
    { type: "message-start" },
    { type: "content-delta", index: 0, delta: { message: { content: { text: "Hello" } } } } as { type: string },
    {
      type: "message-end",
      delta: {
        finish_reason: "COMPLETE",
        usage: { billed_units: { input_tokens: 3, output_tokens: 5 }, tokens: { input_tokens: 70, output_tokens: 5 } },
      },
    } as { type: string },
  );
  const { reader } = readStream(route, facts, stream);
  expect(reader.ending(false)).toMatchObject({ inputTokens: 3, outputTokens: 5, usageSource: "provider" });
});

test.each([
  [
    "https://api.openai.com/v1/embeddings",
    { model: "text-embedding-3-small", input: ["one", "two"] },
    { model: "text-embedding-3-small", usage: { prompt_tokens: 8, total_tokens: 8 } },
    { inputTokens: 8, usageSource: "provider" },
  ],
  [
    "https://api.openai.com/v1/images/generations",
    { model: "gpt-image-2", prompt: "a cat" },
    {
      data: [],
      usage: { input_tokens: 50, output_tokens: 4000, input_tokens_details: { text_tokens: 10, image_tokens: 40 } },
    },
    { inputTokens: 50, outputTokens: 4000, usageSource: "provider" },
  ],
  [
    "https://api.openai.com/v1/audio/transcriptions",
    { model: "gpt-4o-transcribe" },
    { text: "Hello", usage: { type: "tokens", input_tokens: 14, output_tokens: 5 } },
    { inputTokens: 14, outputTokens: 5, usageSource: "provider" },
  ],
  [
    "https://api.openai.com/v1/images/generations",
    { model: "dall-e-3", prompt: "a cat" },
    { data: [{ url: "x" }] },
    { usageSource: "none" },
  ],
  [
    "https://api.anthropic.com/v1/messages",
    { model: "claude-opus-5", messages },
    { model: "claude-opus-5", content: [], usage: { input_tokens: 10, output_tokens: 7 } },
    { inputTokens: 10, outputTokens: 7, usageSource: "provider" },
  ],
  [
    "https://generativelanguage.googleapis.com/v1beta/models/g:generateContent",
    { contents: [] },
    candidate("x", 5),
    { inputTokens: 11, outputTokens: 5, usageSource: "provider" },
  ],
  [
    "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/converse",
    { messages },
    { output: {}, usage: { inputTokens: 9, outputTokens: 4, totalTokens: 13 } },
    { inputTokens: 9, outputTokens: 4, usageSource: "provider" },
  ],
])("a whole answer of %s is read: %j", (address, body, answer, expected) => {
  const { route, facts } = createRequestReader(address, body);
  const reader = route.format.createReader(facts);
  reader.readWhole(answer);
  expect(reader.ending(false)).toMatchObject(expected);
  expect(reader.unreadable()).toBeUndefined();
});

test("a whole answer that is an error is a failure without usage", () => {
  const reader = anthropic.route.format.createReader(anthropic.facts);
  reader.readWhole({ type: "error", error: { type: "overloaded_error", message: "secret" } });
  expect(reader.failure()).toBe("overloaded_error");
  expect(reader.ending(false)).toEqual({ usageSource: "none" });
});

test.each([
  ["text/event-stream; charset=utf-8", "stream"],
  ["application/json", "whole"],
  ["application/json; charset=utf-8", "whole"],
  ["audio/mpeg", "opaque"],
  ["", "opaque"],
])("an answer of the type %s is read as %s", (type, kind) => {
  expect(anthropic.route.format.answerKind(type, anthropic.facts)).toBe(kind);
});

test("a request's facts are numbers and names: nothing of what is asked", () => {
  const { facts } = createRequestReader("https://api.openai.com/v1/chat/completions", {
    model: "gpt-5",
    service_tier: "priority",
    messages: [
      { role: "system", content: "12345" },
      {
        role: "user",
        content: [
          { type: "text", text: "中文" },
          { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } },
        ],
      },
    ],
    tools: [{ type: "function", function: { name: "find", description: "finds", parameters: {} } }],
  });
  expect(facts).toEqual({
    operation: "chat",
    model: "gpt-5",
    isStreamed: false,
    serviceTier: "priority",
    inputCharacters: 5 + 2 + 4 + 5,
    inputWideCharacters: 2,
    hidesUsage: false,
  });
});

test("a form's texts tell the model and the wish for a stream; a body that cannot be read leaves what the address tells", () => {
  const address = "https://api.openai.com/v1/audio/transcriptions";
  expect(createRequestReader(address, { model: "whisper-1", stream: "true" }).facts).toMatchObject({
    model: "whisper-1",
    isStreamed: true,
  });
  expect(createRequestReader(address, undefined).facts).toMatchObject({ model: "unknown", isStreamed: false });
});
