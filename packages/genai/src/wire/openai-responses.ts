import { answerKindOf } from "./answer-kind.ts";
import { createAnswerReader, type AnswerTraits } from "./answer-reader.ts";
import { isFields, isText, readFacts, type RequestTraits } from "./request-facts.ts";
import type { WireFormat } from "./wire-format.ts";

/** OpenAI's responses. Their streams tell the usage unasked, in the last event. */
export const openaiResponses: WireFormat = {
  name: "openai-responses",
  readRequest: (body, route) => readFacts(responsesRequest, body, route),
  answerKind: answerKindOf,
  createReader: (request, tokens) => createAnswerReader(responsesAnswer, request, tokens),
};

const responsesRequest: RequestTraits = {
  // A prompt may be kept by the provider and named by its id.
  isShaped: ({ model, input, prompt }) =>
    isText(model) && (isText(input) || Array.isArray(input) || (isFields(prompt) && isText(prompt["id"]))),
  inputFields: ["instructions", "input", "tools"],
};

const responsesAnswer: AnswerTraits = {
  // An action is what a search of the web did.
  fields: { delta: "output", usage: "told", error: "told", code: "told", action: "told" },
  outputFields: ["output"],
  estimates: "text",
  // In the background: it is fetched when it is ready.
  isUnderWay: ({ status }) => status === "queued" || status === "in_progress",
};
