import fc from "fast-check";
import { expect, test } from "vitest";
import { createRequestReader, readStream, splitAt } from "../../test/support/read-stream.ts";

const { route, facts } = createRequestReader("https://api.openai.com/v1/chat/completions", {
  model: "gpt-5",
  stream: true,
  messages: [{ role: "user", content: "Say hello" }],
});
const hiding = { ...facts, hidesUsage: true };

const usage = {
  prompt_tokens: 100,
  completion_tokens: 20,
  total_tokens: 120,
  prompt_tokens_details: { cached_tokens: 64 },
  completion_tokens_details: { reasoning_tokens: 12 },
};
const told = { inputTokens: 100, outputTokens: 20, cacheReadTokens: 64, reasoningTokens: 12 };

const head = {
  id: "chatcmpl-1",
  object: "chat.completion.chunk",
  created: 1_755_555_555,
  model: "gpt-5-2026-01-01",
  service_tier: "default",
};
const chunk = (delta: object, finish: string | null = null): object => ({
  ...head,
  choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
});
const data = (event: unknown, lineBreak = "\n"): string => `data: ${JSON.stringify(event)}${lineBreak}${lineBreak}`;
const done = "data: [DONE]\n\n";
const answer = [
  chunk({ role: "assistant", content: "" }),
  chunk({ content: "Hel" }),
  chunk({ content: "lo" }),
  chunk({}, "stop"),
];
const asked = [...answer.map((event) => ({ ...event, usage: null })), { ...head, choices: [], usage }];

test("usage, model and served tier are read from the last chunk of a stream that was asked for them", () => {
  const { reader } = readStream(route, facts, asked.map((event) => data(event)).join("") + done);
  expect(reader.ending(false)).toMatchObject({
    ...told,
    responseModel: "gpt-5-2026-01-01",
    serviceTier: "default",
    usageSource: "provider",
  });
  expect(reader.contentChunks()).toBe(2);
  expect(reader.failure()).toBeUndefined();
  expect(reader.unreadable()).toBeUndefined();
});

test("two texts in one event are both estimated, also where the same comes again and again", () => {
  const part = data(chunk({ content: "", reasoning: "ha ha ha", reasoning_content: "" }));
  const { reader } = readStream(route, facts, part.repeat(50));
  expect(reader.ending(true).outputTokens).toBe(100);
});

test("reasoning that OpenRouter tells in two places is estimated once where the stream is cut", () => {
  const reader = createRequestReader("https://openrouter.ai/api/v1/chat/completions", {
    model: "deepseek/deepseek-r1",
    stream: true,
    messages: [{ role: "user", content: "Say hello" }],
  });
  const reasoning = "It is to say hello, so ";
  const detail = { type: "reasoning.text", text: reasoning, format: "unknown", index: 0 };
  const part = chunk({ role: "assistant", content: "", reasoning, reasoning_details: [detail] });
  const cut = readStream(reader.route, reader.facts, data(part).repeat(20)).reader;
  expect(cut.ending(true)).toMatchObject({ outputTokens: (20 * reasoning.length) / 4, usageSource: "estimated" });
});

test("who asked for usage sees every byte, in the very objects that came", () => {
  const { reader } = readStream(route, facts, "");
  const bytes = Buffer.from(asked.map((event) => data(event)).join(""));
  expect(reader.readPiece(bytes)).toBe(bytes);
  expect(reader.readEnd()).toBeUndefined();
});

const content = fc.oneof(
  fc.string({ unit: "binary", maxLength: 30 }),
  fc.constantFrom(
    '","usage":null,"',
    ',"usage":{"prompt_tokens":1}}',
    "data: [DONE]\n\n",
    '\\"usage\\":null',
    "中文的回答",
    "🤖",
    "\r\n\r\n",
    '"choices":[]',
  ),
);
const delta = fc.oneof(
  content.map((text) => ({ content: text })),
  content.map((text) => ({ reasoning_content: text })),
  content.map((text) => ({ tool_calls: [{ index: 0, function: { arguments: text } }] })),
  fc.constant({ role: "assistant", content: null }),
);

/** How providers write it: where the field stands, with spaces or without. */
const styles: readonly ((event: object, usage: unknown) => string)[] = [
  (event, value) => JSON.stringify({ ...event, usage: value }),
  (event, value) => JSON.stringify({ ...event, usage: value, obfuscation: "aBc" }),
  (event, value) => JSON.stringify({ usage: value, ...event }),
  (event, value) =>
    JSON.stringify({ ...event, usage: value, x: 1 })
      .replace(/,"usage":/, ', "usage": ')
      .replace(/,"x":/, ', "x": '),
];
/** The same without the field, as the provider would have written it. */
const bare: readonly ((event: object) => string)[] = [
  (event) => JSON.stringify(event),
  (event) => JSON.stringify({ ...event, obfuscation: "aBc" }),
  (event) => JSON.stringify(event),
  (event) => JSON.stringify({ ...event, x: 1 }).replace(/,"x":/, ', "x": '),
];

test("whatever the model writes and wherever the network cuts, the caller sees the stream as it is without usage, and the usage is right", () => {
  fc.assert(
    fc.property(
      fc.record({
        deltas: fc.array(delta, { maxLength: 12 }),
        style: fc.integer({ min: 0, max: styles.length - 1 }),
        lineBreak: fc.constantFrom("\n", "\r\n"),
        named: fc.boolean(),
        comment: fc.boolean(),
        cuts: fc.array(fc.nat(), { maxLength: 30 }),
        everyByte: fc.boolean(),
      }),
      ({ deltas, style, lineBreak, named, comment, cuts, everyByte }) => {
        const name = named ? `event: chunk${lineBreak}` : "";
        const end = lineBreak + lineBreak;
        const events = [...deltas, { content: "." }].map((each) => chunk(each));
        const middle = comment ? `: waiting${end}` : "";
        const first = (event: string): string => `${name}data: ${event}${end}${middle}`;
        const withUsage =
          events.map((event) => first(styles[style]?.(event, null) ?? "")).join("") +
          `${name}data: ${styles[style]?.({ ...head, choices: [] }, usage)}${end}` +
          done;
        const without = events.map((event) => first(bare[style]?.(event) ?? "")).join("") + done;
        const bytes = Buffer.from(withUsage);
        const pieces = everyByte ? splitAt(bytes, [...bytes.keys()]) : splitAt(bytes, cuts);
        const { reader, passed } = readStream(route, hiding, pieces);
        expect(passed).toBe(without);
        expect(reader.ending(false)).toMatchObject({ ...told, usageSource: "provider" });
        expect(reader.unreadable()).toBeUndefined();
        // Read by one who asked for it, the same is told.
        const open = readStream(route, facts, pieces);
        expect(open.passed).toBe(withUsage);
        expect(open.reader.ending(false)).toMatchObject({ ...told, usageSource: "provider" });
        expect(open.reader.contentChunks()).toBe(reader.contentChunks());
      },
    ),
    { numRuns: 300 },
  );
});

test("a piece of which nothing is left is none, so that the caller is not woken for it", () => {
  const { reader } = readStream(
    route,
    hiding,
    asked
      .slice(0, -1)
      .map((event) => data(event))
      .join(""),
  );
  expect(reader.readPiece(Buffer.from(data(asked.at(-1))))).toBeUndefined();
  expect(Buffer.from(reader.readPiece(Buffer.from(done)) ?? []).toString()).toBe(done);
});

test("Azure's first chunk without choices is no usage, and stays", () => {
  const filters = data({ ...head, choices: [], prompt_filter_results: [{ prompt_index: 0 }] });
  expect(readStream(route, hiding, filters + done).passed).toBe(filters + done);
});

test("usage told together with content stays: it was sent unasked", () => {
  const together = data({ ...chunk({ content: "." }, "stop"), usage });
  const { reader, passed } = readStream(route, hiding, together + done);
  expect(passed).toBe(together + done);
  expect(reader.ending(false)).toMatchObject({ ...told, usageSource: "provider" });
});

test("usage told in every chunk as sums is read from the last, and is partial when the stream is cut", () => {
  const sums = (output: number, end: string | null): string =>
    data({
      ...chunk({ content: "x" }, end),
      usage: { prompt_tokens: 7, completion_tokens: output, total_tokens: 7 + output },
    });
  const events = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map((count) => sums(count, null)).join("");
  const cut = readStream(route, facts, events).reader;
  expect(cut.ending(true)).toMatchObject({ inputTokens: 7, outputTokens: 11, usageSource: "partial" });
  const whole = readStream(route, facts, events + sums(12, "stop")).reader;
  expect(whole.ending(false)).toMatchObject({ inputTokens: 7, outputTokens: 12, usageSource: "provider" });
});

test("a stream that is cut before it tells is estimated from what passed, tools' arguments among it", () => {
  const events =
    data(chunk({ content: "Twelve chars" })) +
    data(chunk({ tool_calls: [{ index: 0, function: { name: "search", arguments: '{"q":"twenty chars in"}' } }] }));
  const { reader } = readStream(route, facts, events);
  expect(reader.ending(true)).toMatchObject({
    inputTokens: Math.ceil("Say hello".length / 4),
    outputTokens: Math.ceil(('{"q":"twenty chars in"}'.length + 12) / 4),
    responseModel: "gpt-5-2026-01-01",
    usageSource: "estimated",
  });
});

test("an answer in Chinese is estimated at about a token for a character, written as it is or escaped", () => {
  const text = "这是一个用中文写的回答".repeat(20);
  const escaped = JSON.stringify(chunk({ content: text })).replace(
    /[\u4e00-\u9fff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16)}`,
  );
  for (const stream of [data(chunk({ content: text })), `data: ${escaped}\n\n`]) {
    const { outputTokens = 0 } = readStream(route, facts, stream).reader.ending(true);
    expect(outputTokens / text.length).toBeGreaterThan(0.6);
    expect(outputTokens / text.length).toBeLessThan(1.1);
  }
});

test("an error within a stream is a failure, and nothing is charged where nothing was written", () => {
  const { reader } = readStream(route, facts, data({ error: { message: "secret", type: "server_error", code: null } }));
  expect(reader.failure()).toBe("server_error");
  expect(reader.ending(false).usageSource).toBe("none");
});

test("an error told by the event's name alone is a failure", () => {
  const { reader } = readStream(route, facts, `event: error\ndata: {"detail":"something secret"}\n\n`);
  expect(reader.failure()).toBe("stream_error");
});

test("an error body of several lines in the place of a stream is a failure", () => {
  const { reader } = readStream(route, facts, JSON.stringify({ error: { type: "overloaded" } }, null, 2));
  expect(reader.failure()).toBe("overloaded");
});

test("an event in several lines is read as one, as the format of server-sent events has it", () => {
  const lines = JSON.stringify({ ...head, choices: [], usage }, null, 1).split("\n");
  const { reader } = readStream(route, facts, `${lines.map((line) => `data: ${line}\n`).join("")}\n${done}`);
  expect(reader.ending(false)).toMatchObject({ ...told, usageSource: "provider" });
});

test.each([
  ["lines that end with carriage returns alone", data({ ...head, choices: [], usage }, "\r")],
  ["a byte order mark", `\uFEFF${data({ ...head, choices: [], usage })}`],
  ["an end without a line break", `data: ${JSON.stringify({ ...head, choices: [], usage })}`],
  ["no space after the colon", `data:${JSON.stringify({ ...head, choices: [], usage })}\n\n`],
])("usage is read from a stream with %s", (_name, stream) => {
  for (const pieces of [stream, splitAt(Buffer.from(stream), [1, 2, 5, 20, 21, 90])]) {
    expect(readStream(route, facts, pieces).reader.ending(false)).toMatchObject({ ...told, usageSource: "provider" });
  }
});

test("a whole answer tells its usage, and without it is estimated from what it holds", () => {
  const message = { role: "assistant", content: "Twelve chars" };
  const whole = { ...head, object: "chat.completion", choices: [{ index: 0, message, finish_reason: "stop" }] };
  const telling = route.format.createReader(facts);
  telling.readWhole({ ...whole, usage });
  expect(telling.ending(false)).toMatchObject({ ...told, usageSource: "provider" });
  const silent = route.format.createReader(facts);
  silent.readWhole(whole);
  expect(silent.ending(false)).toMatchObject({ inputTokens: 3, outputTokens: 3, usageSource: "estimated" });
});

test.each([
  [{ stream: true }, { stream: true, stream_options: { include_usage: true } }],
  [
    { stream: true, stream_options: { include_obfuscation: false } },
    { stream: true, stream_options: { include_obfuscation: false, include_usage: true } },
  ],
  [
    { stream: true, stream_options: null },
    { stream: true, stream_options: { include_usage: true } },
  ],
  [{ stream: true, stream_options: { include_usage: true } }, undefined],
  [{ stream: true, stream_options: { include_usage: false } }, undefined],
  [{ stream: true, stream_options: "odd" }, undefined],
  [{ stream: false }, undefined],
  [{}, undefined],
])("of %j usage is asked for as %j, and the caller's own wish goes before", (body, expected) => {
  const before = JSON.stringify(body);
  expect(route.format.withUsageAskedFor?.(body)).toEqual(expected);
  expect(JSON.stringify(body)).toBe(before);
});
