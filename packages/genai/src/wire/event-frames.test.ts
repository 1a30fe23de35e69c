import { crc32 as zlibChecksum } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { crc32 } from "./crc32.ts";
import { createRequestReader, readStream, splitAt } from "../../test/support/read-stream.ts";

const host = "https://bedrock-runtime.us-east-1.amazonaws.com";
const body = { messages: [{ role: "user", content: [{ text: "Say hello" }] }] };
const converse = createRequestReader(`${host}/model/anthropic.claude-opus-5/converse-stream`, body);
const invoke = createRequestReader(`${host}/model/meta.llama4/invoke-with-response-stream`, { prompt: "Say hello" });

const conversation = [
  frame("messageStart", { role: "assistant" }),
  frame("contentBlockDelta", { contentBlockIndex: 0, delta: { text: "Hello" }, p: "abcdefgh" }),
  frame("contentBlockDelta", { contentBlockIndex: 0, delta: { text: " there 中文" }, p: "abc" }),
  frame("contentBlockStop", { contentBlockIndex: 0 }),
  frame("messageStop", { stopReason: "end_turn" }),
  frame("metadata", {
    usage: { inputTokens: 10, outputTokens: 7, totalTokens: 147, cacheReadInputTokens: 100, cacheWriteInputTokens: 30 },
    metrics: { latencyMs: 5 },
  }),
];
const told = { inputTokens: 140, outputTokens: 7, cacheReadTokens: 100, cacheWriteTokens: 30, usageSource: "provider" };

test("ConverseStream's usage is read from its metadata, wherever the network cuts the frames", () => {
  const bytes = Buffer.concat(conversation);
  fc.assert(
    fc.property(fc.array(fc.nat(), { maxLength: 20 }), (cuts) => {
      const { reader, passed } = readStream(converse.route, converse.facts, splitAt(bytes, cuts));
      expect(passed).toBe(bytes.toString());
      expect(reader.ending(false)).toMatchObject(told);
      expect(reader.contentChunks()).toBe(2);
      expect(reader.unreadable()).toBeUndefined();
    }),
  );
  const { reader } = readStream(converse.route, converse.facts, splitAt(bytes, [...bytes.keys()]));
  expect(reader.ending(false)).toMatchObject(told);
});

test("a ConverseStream that is cut is estimated from what passed", () => {
  const { reader } = readStream(converse.route, converse.facts, conversation.slice(0, 3));
  expect(reader.ending(true)).toMatchObject({ inputTokens: 3, outputTokens: 5, usageSource: "estimated" });
});

test("a frame that tells of an exception fails the call with its name", () => {
  const { reader } = readStream(converse.route, converse.facts, [
    encode({ ":message-type": "exception", ":exception-type": "throttlingException" }, '{"message":"secret"}'),
  ]);
  expect(reader.failure()).toBe("throttlingException");
});

test("the chunks of InvokeModel hold the model's own events, and the last one what Bedrock counted", () => {
  const chunk = (event: object): Buffer =>
    frame("chunk", { bytes: Buffer.from(JSON.stringify(event)).toString("base64"), p: "ab" });
  const counted = {
    "amazon-bedrock-invocationMetrics": {
      inputTokenCount: 12,
      outputTokenCount: 34,
      invocationLatency: 1,
      firstByteLatency: 1,
    },
  };
  const llama = [chunk({ generation: "Hel" }), chunk({ generation: "lo", stop_reason: "stop", ...counted })];
  const { reader } = readStream(invoke.route, invoke.facts, [Buffer.concat(llama)]);
  expect(reader.ending(false)).toMatchObject({ inputTokens: 12, outputTokens: 34, usageSource: "provider" });
  expect(reader.contentChunks()).toBe(2);
  // Claude tells more by itself, such as its cache.
  const usage = { input_tokens: 10, cache_read_input_tokens: 5, cache_creation_input_tokens: 0, output_tokens: 1 };
  const claude = [
    chunk({ type: "message_start", message: { model: "claude-opus-5", usage } }),
    chunk({ type: "message_delta", delta: {}, usage: { output_tokens: 9 } }),
    chunk({ type: "message_stop", ...counted }),
  ];
  expect(readStream(invoke.route, invoke.facts, claude).reader.ending(false)).toMatchObject({
    inputTokens: 15,
    outputTokens: 9,
    cacheReadTokens: 5,
    usageSource: "provider",
  });
});

test("the headers of InvokeModel tell the usage of models whose answers do not", () => {
  const read = (answer: object, headers: Readonly<Record<string, string>>): object => {
    const reader = invoke.route.format.createReader(invoke.facts);
    reader.readHeaders?.((name) => headers[name] ?? null);
    reader.readWhole(answer);
    return reader.ending(false);
  };
  const headers = { "x-amzn-bedrock-input-token-count": "12", "x-amzn-bedrock-output-token-count": "3" };
  expect(read({ generation: "x" }, headers)).toMatchObject({
    inputTokens: 12,
    outputTokens: 3,
    usageSource: "provider",
  });
  expect(read({ usage: { input_tokens: 1, output_tokens: 2 } }, headers)).toMatchObject({
    inputTokens: 1,
    outputTokens: 2,
  });
  expect(read({ generation: "x" }, { "x-amzn-bedrock-input-token-count": "-5" })).toMatchObject({
    usageSource: "estimated",
  });
});

test("a frame with a wrong checksum ends the reading and is told, and every byte still passes", () => {
  const broken = Buffer.concat(conversation);
  broken[9] = (broken[9] ?? 0) ^ 1;
  const { reader, passed } = readStream(converse.route, converse.facts, [broken]);
  expect(passed).toBe(broken.toString());
  expect(reader.unreadable()).toBe("a frame with a wrong checksum");
  const usage = Buffer.concat(conversation);
  usage[usage.length - 1] = (usage.at(-1) ?? 0) ^ 1;
  const other = readStream(converse.route, converse.facts, [usage]).reader;
  expect(other.unreadable()).toBe("a frame with a wrong checksum");
  expect(other.ending(false).usageSource).toBe("estimated");
});

test("a frame of megabytes is passed over, and what follows it is read", () => {
  const large = frame("contentBlockDelta", { delta: { image: "x".repeat(3_000_000) } });
  const bytes = Buffer.concat([large, ...conversation]);
  for (const pieces of [[bytes], splitAt(bytes, [5, 100_000, 2_000_000, large.length + 3])]) {
    const { reader } = readStream(converse.route, converse.facts, pieces);
    expect(reader.ending(false)).toMatchObject(told);
    expect(reader.unreadable()).toBe("a frame of more than a megabyte");
  }
});

test("a frame that is cut at the end of the stream is told", () => {
  const bytes = Buffer.concat(conversation);
  const { reader } = readStream(converse.route, converse.facts, [bytes.subarray(0, bytes.length - 3)]);
  expect(reader.unreadable()).toBe("a frame that was cut");
});

test("the checksum is that of zlib", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(crc32(bytes, 0, bytes.length)).toBe(zlibChecksum(bytes));
    }),
  );
});

function frame(type: string, payload: object): Buffer {
  const headers = { ":event-type": type, ":content-type": "application/json", ":message-type": "event" };
  return encode(headers, JSON.stringify(payload));
}

function encode(headers: Readonly<Record<string, string>>, payload: string): Buffer {
  const head = Buffer.concat(
    Object.entries(headers).map(([name, value]) => {
      const size = Buffer.alloc(2);
      size.writeUInt16BE(value.length);
      return Buffer.concat([Buffer.from([name.length]), Buffer.from(name), Buffer.from([7]), size, Buffer.from(value)]);
    }),
  );
  const content = Buffer.from(payload);
  const bytes = Buffer.alloc(12 + head.length + content.length + 4);
  bytes.writeUInt32BE(bytes.length, 0);
  bytes.writeUInt32BE(head.length, 4);
  bytes.writeUInt32BE(zlibChecksum(bytes.subarray(0, 8)), 8);
  head.copy(bytes, 12);
  content.copy(bytes, 12 + head.length);
  bytes.writeUInt32BE(zlibChecksum(bytes.subarray(0, -4)), bytes.length - 4);
  return bytes;
}
