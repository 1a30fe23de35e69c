import { answerKindOf } from "./answer-kind.ts";
import { createAnswerReader, type AnswerTraits } from "./answer-reader.ts";
import { createEventFrames } from "./event-frames.ts";
import { areMessages, isFields, readFacts, type Fields, type RequestTraits } from "./request-facts.ts";
import type { AnswerKind, WireFormat } from "./wire-format.ts";

/** Amazon Bedrock's Converse, one language for all its models. */
export const bedrockConverse: WireFormat = {
  name: "bedrock-converse",
  readRequest: (body, route) => readFacts(converseRequest, body, route),
  answerKind: bedrockAnswerKind,
  createReader: (request, tokens) => createAnswerReader(converseAnswer, request, tokens),
};

/** Amazon Bedrock's InvokeModel: each model's own language, with the usage in headers or in the stream's last chunk. */
export const bedrockInvoke: WireFormat = {
  name: "bedrock-invoke",
  readRequest: (body, route) => readFacts(invokeRequest, body, route),
  answerKind: bedrockAnswerKind,
  createReader: (request, tokens) => createAnswerReader(invokeAnswer, request, tokens),
};

const converseRequest: RequestTraits = {
  isShaped: ({ messages }) => areMessages(messages),
  inputFields: ["system", "messages", "toolConfig"],
  tierOf: ({ serviceTier }) => (isFields(serviceTier) ? serviceTier["type"] : undefined),
};

const invokeRequest: RequestTraits = {
  // The path is Bedrock's alone.
  isShaped: () => true,
  inputFields: ["system", "messages", "tools", "prompt", "inputText", "inputs", "texts", "message"],
};

const converseAnswer: AnswerTraits = {
  fields: { text: "output", input: "output", usage: "told", error: "told" },
  outputFields: ["output"],
  estimates: "text",
  createFrames: createEventFrames,
};

const metrics = "amazon-bedrock-invocationMetrics";

const invokeAnswer: AnswerTraits = {
  fields: {
    text: "output",
    thinking: "output",
    partial_json: "output",
    generation: "output",
    outputText: "output",
    content: "output",
    usage: "told",
    error: "told",
    [metrics]: "told",
  },
  outputFields: ["content", "generation", "results", "outputs", "output", "generations"],
  estimates: "text",
  createFrames: createEventFrames,
  lastResort: (event) => {
    const counts = event[metrics];
    if (!isFields(counts)) return undefined;
    const { inputTokenCount, outputTokenCount, cacheReadInputTokenCount, cacheWriteInputTokenCount } = counts;
    return usageEvent(inputTokenCount, outputTokenCount, cacheReadInputTokenCount, cacheWriteInputTokenCount);
  },
  readHeaders: (header) => {
    const count = (name: string): number | undefined => {
      const text = header(`x-amzn-bedrock-${name}-token-count`);
      return text === null || !/^\d{1,15}$/.test(text) ? undefined : Number(text);
    };
    const input = count("input");
    const output = count("output");
    if (input === undefined && output === undefined) return undefined;
    return usageEvent(input, output, count("cache-read-input"), count("cache-write-input"));
  },
};

/** Counts as Converse would tell them. */
function usageEvent(input: unknown, output: unknown, cacheRead: unknown, cacheWrite: unknown): Fields {
  const usage = {
    inputTokens: input,
    outputTokens: output,
    cacheReadInputTokens: cacheRead,
    cacheWriteInputTokens: cacheWrite,
  };
  return { metadata: { usage } };
}

function bedrockAnswerKind(contentType: string): AnswerKind {
  return contentType.startsWith("application/vnd.amazon.eventstream") ? "stream" : answerKindOf(contentType);
}
