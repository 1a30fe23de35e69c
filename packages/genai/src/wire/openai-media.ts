import { answerKindOf } from "./answer-kind.ts";
import { createAnswerReader, type AnswerTraits } from "./answer-reader.ts";
import { isText, readFacts, type RequestTraits } from "./request-facts.ts";
import type { WireFormat } from "./wire-format.ts";

/** OpenAI's embeddings, spoken by most others. */
export const openaiEmbeddings: WireFormat = {
  name: "openai-embeddings",
  readRequest: (body, route) => readFacts(embeddingsRequest, body, route),
  answerKind: answerKindOf,
  createReader: (request, tokens) => createAnswerReader({ ...mediaAnswer, estimates: "text" }, request, tokens),
};

/** OpenAI's pictures: made, edited, varied. */
export const openaiImages: WireFormat = {
  name: "openai-images",
  readRequest: (body, route) => readFacts(imagesRequest, body, route),
  answerKind: answerKindOf,
  createReader: (request, tokens) => createAnswerReader(mediaAnswer, request, tokens),
};

/** OpenAI's speech and what is written down from it. */
export const openaiAudio: WireFormat = {
  name: "openai-audio",
  readRequest: (body, route) => readFacts(audioRequest, body, route),
  answerKind: answerKindOf,
  createReader: (request, tokens) => createAnswerReader(mediaAnswer, request, tokens),
};

const embeddingsRequest: RequestTraits = {
  isShaped: ({ model, input }) => isText(model) && (isText(input) || Array.isArray(input)),
  inputFields: ["input"],
};

const imagesRequest: RequestTraits = {
  isShaped: ({ model, prompt }) => isText(model) && isText(prompt),
  inputFields: ["prompt"],
};

const audioRequest: RequestTraits = {
  isShaped: ({ model }) => isText(model),
  inputFields: ["input", "instructions", "prompt"],
};

const mediaAnswer: AnswerTraits = {
  fields: { usage: "told", error: "told", delta: "output" },
  outputFields: [],
  estimates: "nothing",
};
