import { answerKindOf } from "./answer-kind.ts";
import { createAnswerReader, type AnswerTraits } from "./answer-reader.ts";
import { areMessages, isFields, isText, readFacts, type RequestTraits } from "./request-facts.ts";
import type { WireFormat } from "./wire-format.ts";

/** Ollama's own API: chat, generate, embed. Its streams are JSON line by line; the last line tells the usage. */
export const ollama: WireFormat = {
  name: "ollama",
  readRequest: (body, route) =>
    readFacts({ ...ollamaRequest, streamsByDefault: route.operation !== "embeddings" }, body, route),
  answerKind: answerKindOf,
  createReader: (request, tokens) => createAnswerReader(ollamaAnswer, request, tokens),
};

const ollamaRequest: RequestTraits = {
  isShaped: ({ model, messages, prompt, input }) =>
    isText(model) && (isText(prompt) || isText(input) || Array.isArray(input) || arePlainMessages(messages)),
  inputFields: ["system", "messages", "prompt", "suffix", "input", "tools"],
};

const ollamaAnswer: AnswerTraits = {
  fields: {
    content: "output",
    thinking: "output",
    response: "output",
    prompt_eval_count: "told",
    eval_count: "told",
    error: "told",
  },
  outputFields: ["message", "response", "thinking"],
  estimates: "text",
  isLast: ({ done, error }) => done === true || error !== undefined,
};

/** `/api/chat` is what many apps call a route of their own: those send messages of several parts. */
function arePlainMessages(messages: unknown): boolean {
  return (
    areMessages(messages) &&
    (messages as readonly unknown[]).every((message) => isFields(message) && !("parts" in message))
  );
}
