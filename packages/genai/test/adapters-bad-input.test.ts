import { expect, test } from "vitest";
import { meterEmbeddingModel, meterModel } from "../src/ai-sdk.ts";
import { meterBedrock } from "../src/bedrock.ts";
import { meterMcpClient } from "../src/mcp.ts";
import { startMeters } from "./support/meters.ts";

const bad: readonly unknown[] = [
  undefined,
  null,
  7,
  "text",
  [],
  { usage: -1 },
  { usage: { inputTokens: { total: "x" } } },
];
const hostile: object = new Proxy(
  {},
  {
    get(_target, name) {
      // A promise looks for it, whatever it is given.
      if (name === "then") return undefined;
      throw new Error("the secret answer");
    },
  },
);

test("whatever a model of the AI SDK gives is handed on as it is, and counts as a call", async () => {
  const { events } = startMeters();
  for (const result of [...bad, hostile]) {
    const model = result as { provider: string; modelId: string };
    const named = { provider: "custom.chat", modelId: "model" };
    expect(await meterModel().wrapGenerate({ doGenerate: async () => result, model: named })).toBe(result);
    expect(await meterEmbeddingModel().wrapEmbed({ doEmbed: async () => result, model: named })).toBe(result);
    const streamed = result as { stream: ReadableStream<unknown> };
    expect(await meterModel().wrapStream({ doStream: async () => streamed, model: named })).toBe(streamed);
    if (typeof model === "object" && model !== null && result !== hostile) {
      expect(await meterModel().wrapGenerate({ doGenerate: async () => result, model })).toBe(result);
    }
  }
  expect(events.length).toBeGreaterThanOrEqual(3 * (bad.length + 1));
  expect(events.filter(({ costNanoUsd }) => costNanoUsd !== null)).toEqual([]);
});

test("whatever the parts of a stream are, they are handed on as they are", async () => {
  const { events } = startMeters();
  const parts = [...bad, hostile, { type: "finish" }];
  const { stream } = await meterModel().wrapStream({
    doStream: async () => ({ stream: ReadableStream.from(parts) }),
    model: { provider: "custom.chat", modelId: "model" },
  });
  const read: unknown[] = [];
  for await (const part of stream) read.push(part);
  expect(read).toHaveLength(parts.length);
  for (const [index, part] of parts.entries()) expect(read[index]).toBe(part);
  expect(events).toMatchObject([{ isSuccess: true, inputTokens: null }]);
});

test("whatever Bedrock's client gives is handed on as it is, and other commands are left alone", async () => {
  const { events } = startMeters();
  type Step = (given: unknown) => Promise<unknown>;
  let layer: ((next: Step, context: object) => Step) | undefined;
  meterBedrock({ middlewareStack: { add: (middleware: never) => void (layer = middleware) } });
  for (const commandName of [
    "ConverseCommand",
    "ConverseStreamCommand",
    "InvokeModelCommand",
    "ApplyGuardrailCommand",
  ]) {
    for (const result of [...bad, hostile, { output: hostile }, { output: { stream: hostile } }]) {
      const send = layer!(async () => result, { commandName });
      expect(await send(commandName === "ConverseCommand" ? {} : { input: { modelId: 7 } })).toBe(result);
    }
  }
  expect(events).toHaveLength(3 * (bad.length + 3));
});

test("a transport of MCP that is none makes the client throw what it throws by itself", async () => {
  startMeters();
  const thrown = new TypeError("no transport");
  const client = meterMcpClient({ connect: (_transport: unknown) => Promise.reject(thrown) });
  for (const transport of [undefined, null, {}, 7, hostile]) {
    await expect(client.connect(transport)).rejects.toBe(thrown);
  }
});
