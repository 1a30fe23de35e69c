import { createRequire } from "node:module";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  BedrockRuntimeClient,
  ConverseCommand,
  type ConverseCommandInput,
  ConverseStreamCommand,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
  type BedrockRuntimeClientConfig,
} from "@aws-sdk/client-bedrock-runtime";
import { llm, withAttribution } from "@meterbridge/core";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { meterBedrock, meterBedrockClients } from "../src/bedrock.ts";
import { startBedrock, type Bedrock, type BedrockReply } from "./support/bedrock.ts";
import { settled } from "./support/capture.ts";
import { startMeters } from "./support/meters.ts";
import { startSpans } from "./support/spans.ts";

const modelId = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0";
const secret = "the secret prompt";
const converse: ConverseCommandInput = { modelId, messages: [{ role: "user", content: [{ text: secret }] }] };
const usage = {
  inputTokens: 10,
  outputTokens: 5,
  totalTokens: 1215,
  cacheReadInputTokens: 1000,
  cacheWriteInputTokens: 200,
};
const tokens = { inputTokens: 1210, outputTokens: 5, cacheReadTokens: 1000, cacheWriteTokens: 200 };
const answer: BedrockReply = {
  body: {
    output: { message: { role: "assistant", content: [{ text: secret }] } },
    stopReason: "end_turn",
    usage,
    metrics: { latencyMs: 1 },
  },
};
const deltas: NonNullable<BedrockReply["events"]> = [
  ["messageStart", { role: "assistant" }],
  ["contentBlockDelta", { contentBlockIndex: 0, delta: { text: "Hello" } }],
  ["contentBlockDelta", { contentBlockIndex: 0, delta: { text: " world" } }],
];
const streamed: BedrockReply = {
  events: [...deltas, ["messageStop", { stopReason: "end_turn" }], ["metadata", { usage, metrics: { latencyMs: 1 } }]],
};

describe.each([{ version: 1 }, { version: 2 }] as const)("Bedrock's client over HTTP/$version", ({ version }) => {
  test("counts Converse once, with cached tokens among the input, and its output is what it is without", async () => {
    const { events } = startMeters();
    const { client, bare, bedrock } = await start(version);
    bedrock.script(answer, answer);
    const without = await bare.send(new ConverseCommand(converse));
    const output = await withAttribution({ tenant: "acme" }, () => client.send(new ConverseCommand(converse)));
    expect(withoutMetadata(output)).toEqual(withoutMetadata(without));
    expect(events).toMatchObject([
      {
        tenant: "acme",
        provider: "aws.bedrock",
        model: modelId,
        ...tokens,
        isSuccess: true,
        usageSource: "provider",
        attempts: 1,
      },
    ]);
  });

  test("counts ConverseStream once at its end, with times, and its events are what they are without", async () => {
    const meters = startMeters();
    const { client, bare, bedrock } = await start(version);
    bedrock.script(streamed, streamed);
    const without = await readAll((await bare.send(new ConverseStreamCommand(converse))).stream);
    const { stream } = await client.send(new ConverseStreamCommand(converse));
    expect(meters.events).toEqual([]);
    expect(await readAll(stream)).toEqual(without);
    expect(meters.events).toMatchObject([{ ...tokens, isSuccess: true, usageSource: "provider" }]);
    const collection = await meters.collect();
    expect(collection.count("gen_ai.client.inference.time_to_first_chunk")).toBe(1);
    expect(collection.count("gen_ai.client.inference.time_per_output_chunk")).toBe(1);
  });

  test("counts a stream that the reader breaks off once, as cancelled", async () => {
    const meters = startMeters();
    const { client, bedrock } = await start(version);
    bedrock.script({ events: [...deltas, "hold"] });
    const { stream } = await client.send(new ConverseStreamCommand(converse));
    for await (const event of stream ?? []) if (event.contentBlockDelta !== undefined) break;
    await settled(meters.events, 1);
    expect(meters.events).toMatchObject([{ isSuccess: false, usageSource: "none", errorType: null }]);
    expect((await meters.collect()).total("llm.requests", { status: "cancelled" })).toBe(1);
  });

  test("counts a stream in which Bedrock tells of an error as failed", async () => {
    const { events } = startMeters();
    const { client, bedrock } = await start(version);
    bedrock.script({ events: [...deltas, ["throttlingException", { message: secret }]] });
    const { stream } = await client.send(new ConverseStreamCommand(converse));
    await expect(readAll(stream)).rejects.toThrow(secret);
    expect(events).toMatchObject([{ isSuccess: false, errorType: "ThrottlingException" }]);
  });

  test("counts an invocation by the model's own counts", async () => {
    const { events } = startMeters();
    const { client, bedrock } = await start(version);
    bedrock.script({
      body: {
        type: "message",
        content: [{ type: "text", text: secret }],
        usage: { input_tokens: 10, output_tokens: 5, cache_read_input_tokens: 1000, cache_creation_input_tokens: 200 },
      },
    });
    const { body } = await client.send(new InvokeModelCommand({ modelId, body: "{}" }));
    expect(new TextDecoder().decode(body)).toContain(secret);
    expect(events).toMatchObject([tokens]);
  });

  test("counts an invocation by the headers where the model tells nothing it is known to tell", async () => {
    const { events } = startMeters();
    const { client, bedrock } = await start(version);
    bedrock.script({
      headers: { "x-amzn-bedrock-input-token-count": "70", "x-amzn-bedrock-output-token-count": "7" },
      body: { generation: secret },
    });
    await client.send(new InvokeModelCommand({ modelId: "meta.llama3-1-70b-instruct-v1:0", body: "{}" }));
    expect(events).toMatchObject([{ inputTokens: 70, outputTokens: 7, usageSource: "provider" }]);
  });

  test("counts a streamed invocation by the counts in its last chunk", async () => {
    const { events } = startMeters();
    const { client, bedrock } = await start(version);
    const metrics = { inputTokenCount: 70, outputTokenCount: 7, invocationLatency: 1, firstByteLatency: 1 };
    bedrock.script({
      events: [
        chunk({ generation: "Hello" }),
        chunk({ generation: " world", "amazon-bedrock-invocationMetrics": metrics }),
      ],
    });
    const command = new InvokeModelWithResponseStreamCommand({
      modelId: "meta.llama3-1-70b-instruct-v1:0",
      body: "{}",
    });
    const read = await readAll((await client.send(command)).body);
    expect(read).toHaveLength(2);
    expect(events).toMatchObject([{ inputTokens: 70, outputTokens: 7, isSuccess: true, usageSource: "provider" }]);
  });

  test("tells attempts from calls, and a refused call by its status", async () => {
    const { events } = startMeters();
    const { client, bedrock } = await start(version, { maxAttempts: 2, retryMode: "standard" });
    const refusal = {
      status: 503,
      headers: { "x-amzn-errortype": "ServiceUnavailableException" },
      body: { message: secret },
    };
    bedrock.script(refusal, answer, refusal, refusal);
    await client.send(new ConverseCommand(converse));
    await expect(client.send(new ConverseCommand(converse))).rejects.toThrow(secret);
    expect(bedrock.paths).toHaveLength(4);
    expect(events).toMatchObject([
      { isSuccess: true, attempts: 2 },
      { isSuccess: false, errorType: "503", attempts: 2 },
    ]);
  });

  test("counts a line that breaks as failed, by its code", async () => {
    const { events } = startMeters();
    const { client, bedrock } = await start(version);
    bedrock.script({ events: [...deltas, "destroy"] });
    const { stream } = await client.send(new ConverseStreamCommand(converse));
    await expect(readAll(stream)).rejects.toThrow(/aborted|refused|reset|RST|stream/i);
    expect(events).toMatchObject([{ isSuccess: false }]);
    expect(events[0]?.errorType).toMatch(/^[A-Z][A-Z_0-9]+$/);
  });

  test("counts an aborted call as cancelled", async () => {
    const meters = startMeters();
    const { client, bedrock } = await start(version);
    bedrock.script({ events: ["hold"] });
    const controller = new AbortController();
    const sent = client.send(new ConverseCommand(converse), { abortSignal: controller.signal });
    while (bedrock.paths.length === 0) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    controller.abort();
    await expect(sent).rejects.toThrow(/abort/i);
    expect((await meters.collect()).total("llm.requests", { status: "cancelled" })).toBe(1);
  });
});

test("a call that is measured by hand around the client counts once, and has one span beneath the other", async () => {
  const { events } = startMeters();
  const { finished } = startSpans();
  const { client, bedrock } = await start(1);
  bedrock.script(answer);
  await llm.measure({ provider: "aws.bedrock", model: modelId }, () => client.send(new ConverseCommand(converse)));
  expect(events).toMatchObject([tokens]);
  expect(finished.map(({ name }) => name)).toContain(`chat ${modelId}`);
});

test("a client that is metered twice counts once; other commands and an account's number are not told", async () => {
  const meters = startMeters();
  const { client, bedrock } = await start(1);
  expect(meterBedrock(client)).toBe(client);
  bedrock.script(answer);
  const arn = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/a1b2c3";
  await client.send(new ConverseCommand({ ...converse, modelId: arn }));
  expect(meters.events).toMatchObject([{ model: "a1b2c3" }]);
  expect(JSON.stringify((await meters.collect()).resourceMetrics)).not.toMatch(/123456789012|secret/);
});

test("every client of the process is metered without a word to it, until that is ended", async () => {
  const { events } = startMeters();
  const { bare, bedrock } = await start(1);
  // Loaded as a preload finds it: the class is on its way to the application.
  const loaded = require("@aws-sdk/client-bedrock-runtime") as { BedrockRuntimeClient: typeof BedrockRuntimeClient };
  const end = meterBedrockClients();
  const endAgain = meterBedrockClients();
  const common = {
    region: "eu-west-1",
    endpoint: bedrock.url,
    credentials: { accessKeyId: "key", secretAccessKey: "key" },
  };
  const client = new loaded.BedrockRuntimeClient({ ...common, requestHandler: new NodeHttpHandler() });
  onTestFinished(() => client.destroy());
  bedrock.script(answer, answer, answer);
  await client.send(new ConverseCommand(converse));
  expect(events).toMatchObject([tokens]);
  endAgain();
  end();
  await client.send(new ConverseCommand(converse));
  await bare.send(new ConverseCommand(converse));
  expect(events).toHaveLength(1);
});

test("a stream that nobody reads to its end is counted as cancelled when it is collected as garbage", async () => {
  const { events } = startMeters();
  const { client, bedrock } = await start(1);
  bedrock.script({ events: [...deltas, "hold"] });
  await client.send(new ConverseStreamCommand(converse));
  await vi.waitFor(
    () => {
      collectGarbage();
      expect(events).toMatchObject([{ isSuccess: false, errorType: null }]);
    },
    { timeout: 20_000, interval: 20 },
  );
});

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

async function start(
  version: 1 | 2,
  configuration: BedrockRuntimeClientConfig = { maxAttempts: 1 },
): Promise<{ client: BedrockRuntimeClient; bare: BedrockRuntimeClient; bedrock: Bedrock }> {
  const bedrock = await startBedrock(version);
  const common: BedrockRuntimeClientConfig = {
    region: "eu-west-1",
    endpoint: bedrock.url,
    credentials: { accessKeyId: "key", secretAccessKey: "key" },
    ...configuration,
    // HTTP/2 is what it speaks by itself.
    ...(version === 1 && { requestHandler: new NodeHttpHandler() }),
  };
  const bare = new BedrockRuntimeClient(common);
  const client = meterBedrock(new BedrockRuntimeClient(common));
  onTestFinished(async () => {
    bare.destroy();
    client.destroy();
    await bedrock.stop();
  });
  return { client, bare, bedrock };
}

const require = createRequire(createRequire(import.meta.url).resolve("@aws-sdk/client-bedrock-runtime"));
// A dependency of the client's, found from there alone.
const handlers = "@smithy/node-http-handler";
const { NodeHttpHandler } = require(handlers) as {
  NodeHttpHandler: new () => NonNullable<BedrockRuntimeClientConfig["requestHandler"]>;
};

function chunk(payload: object): readonly [string, object] {
  return ["chunk", { bytes: Buffer.from(JSON.stringify(payload)).toString("base64") }];
}

async function readAll(events: AsyncIterable<unknown> | undefined): Promise<unknown[]> {
  const read: unknown[] = [];
  for await (const event of events ?? []) read.push(event);
  return read;
}

function withoutMetadata({ $metadata: _metadata, ...output }: { readonly $metadata: unknown }): unknown {
  return output;
}
