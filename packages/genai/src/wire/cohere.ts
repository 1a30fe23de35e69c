import { answerKindOf } from "./answer-kind.ts";
import { createAnswerReader, type AnswerTraits } from "./answer-reader.ts";
import { areMessages, isFields, isText, readFacts, type Fields, type RequestTraits } from "./request-facts.ts";
import type { WireFormat } from "./wire-format.ts";

/** Cohere's own API of both versions: chat, generate, embed. */
export const cohere: WireFormat = {
  name: "cohere",
  readRequest: (body, route) => readFacts(cohereRequest, body, route),
  answerKind: answerKindOf,
  createReader: (request, tokens) => createAnswerReader(cohereAnswer, request, tokens),
};

const cohereRequest: RequestTraits = {
  isShaped: ({ model, messages, message, prompt, texts, inputs }) =>
    isText(model) &&
    (areMessages(messages) || isText(message) || isText(prompt) || [texts, inputs].some(Array.isArray)),
  inputFields: ["preamble", "chat_history", "messages", "message", "prompt", "texts", "inputs", "documents", "tools"],
};

const cohereAnswer: AnswerTraits = {
  fields: {
    text: "output",
    thinking: "output",
    arguments: "output",
    tool_plan: "output",
    usage: "told",
    meta: "told",
    error: "told",
  },
  outputFields: ["message", "text", "generations"],
  estimates: "text",
  translate: endOf,
};

/** The last event holds the end of the answer in its second version, and the whole answer in the first. */
function endOf(event: Fields): Fields {
  const { delta, response } = event;
  if (event["type"] === "message-end" && isFields(delta)) return delta;
  return event["event_type"] === "stream-end" && isFields(response) ? response : event;
}
