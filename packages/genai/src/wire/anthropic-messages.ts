import { answerKindOf } from "./answer-kind.ts";
import { createAnswerReader, type AnswerTraits } from "./answer-reader.ts";
import { areMessages, isText, readFacts, type RequestTraits } from "./request-facts.ts";
import type { WireFormat } from "./wire-format.ts";

/** Anthropic's messages: of its own API, of Vertex AI and of those who speak its language. Its streams tell their usage unasked. */
export const anthropicMessages: WireFormat = {
  name: "anthropic-messages",
  readRequest: (body, route) => readFacts(messagesRequest, body, route),
  answerKind: answerKindOf,
  createReader: (request, tokens) => createAnswerReader(messagesAnswer, request, tokens),
};

const messagesRequest: RequestTraits = {
  isShaped: ({ model, messages, max_tokens: limit }) =>
    isText(model) && areMessages(messages) && typeof limit === "number",
  inputFields: ["system", "messages", "tools"],
};

const messagesAnswer: AnswerTraits = {
  fields: { text: "output", thinking: "output", partial_json: "output", usage: "told", error: "told" },
  outputFields: ["content"],
  estimates: "text",
};
