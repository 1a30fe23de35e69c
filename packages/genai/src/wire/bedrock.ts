import { createAnswerReader, type AnswerTraits } from "./answer-reader.ts";
import { answerKindOf } from "./answer-kind.ts";
import { areMessages, readFacts, type RequestTraits } from "./request-facts.ts";
import type { AnswerKind, AnswerReader, RequestFacts, WireFormat } from "./wire-format.ts";
import type { TokenCounter } from "./token-counter.ts";

/** Amazon Bedrock's Converse, one language for all its models. */
export const bedrockConverse: WireFormat = {
  name: "bedrock-converse",
  readRequest: (body, route) => readFacts(converseRequest, body, route),
  answerKind: bedrockAnswerKind,
  createReader: (request, tokens) => createAnswerReader(converseAnswer, request, tokens),
};

/** Amazon Bedrock's InvokeModel: each model's own language, with the usage in headers and in the stream's last chunk. */
export const bedrockInvoke: WireFormat = {
  name: "bedrock-invoke",
  readRequest: (body, route) => readFacts(invokeRequest, body, route),
  answerKind: bedrockAnswerKind,
  createReader: createInvokeReader,
};

const converseRequest: RequestTraits = {
  isShaped: ({ messages }) => areMessages(messages),
  inputFields: ["system", "messages", "toolConfig"],
  tierOf: ({ serviceTier }) =>
    typeof serviceTier === "object" && serviceTier !== null && "type" in serviceTier ? serviceTier.type : undefined,
};

const invokeRequest: RequestTraits = {
  isShaped: () => true,
  inputFields: ["system", "messages", "tools", "prompt", "inputText", "inputs", "texts", "message"],
};

const converseAnswer: AnswerTraits = {
  fields: { text: "output", input: "output", usage: "told", error: "told" },
  outputFields: ["output"],
  estimates: "input and output",
};

function bedrockAnswerKind(contentType: string): AnswerKind {
  return contentType.startsWith("application/vnd.amazon.eventstream") ? "stream" : answerKindOf(contentType);
}

function createInvokeReader(request: RequestFacts, tokens: TokenCounter | undefined): AnswerReader {
  return createAnswerReader(converseAnswer, request, tokens);
}
