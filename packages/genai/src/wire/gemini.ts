import { answerKindOf } from "./answer-kind.ts";
import { createAnswerReader, type AnswerTraits } from "./answer-reader.ts";
import { createEventsOrArray } from "./json-array.ts";
import { isFields, readFacts, type Fields, type RequestTraits } from "./request-facts.ts";
import type { WireFormat } from "./wire-format.ts";

/** Google's generateContent and embedContent, by the Gemini API and by Vertex AI. */
export const gemini: WireFormat = {
  name: "gemini",
  readRequest: (body, route) => readFacts(contentsRequest, body, route),
  // A stream that does not ask for server-sent events is one JSON array, piece by piece.
  answerKind: (contentType, { isStreamed }) => (isStreamed ? streamKindOf(contentType) : answerKindOf(contentType)),
  createReader: (request, tokens) => createAnswerReader(contentsAnswer, request, tokens),
};

const contentsRequest: RequestTraits = {
  isShaped: ({ contents, content, requests, instances }) =>
    [contents, requests, instances].some(Array.isArray) || isFields(content) || isFields(contents),
  inputFields: ["systemInstruction", "system_instruction", "contents", "content", "requests", "instances", "tools"],
  tierOf: ({ serviceTier, service_tier: tier }) => serviceTier ?? tier,
};

const contentsAnswer: AnswerTraits = {
  fields: { text: "output", usageMetadata: "sums", finishReason: "end", groundingMetadata: "end", error: "told" },
  outputFields: ["candidates"],
  estimates: "text",
  createFrames: createEventsOrArray,
  translate: (answer) => (Array.isArray(answer["predictions"]) ? embeddingsOf(answer["predictions"]) : answer),
  isLast: ({ error }) => isFields(error),
};

function streamKindOf(contentType: string): ReturnType<typeof answerKindOf> {
  return answerKindOf(contentType) === "opaque" ? "opaque" : "stream";
}

/** Vertex AI answers for embeddings by predictions, each with its count; by that name its clients hand them on. */
function embeddingsOf(predictions: readonly unknown[]): Fields {
  return {
    embeddings: predictions.map((prediction) => {
      const embedding = isFields(prediction) ? prediction["embeddings"] : undefined;
      const statistics = isFields(embedding) ? embedding["statistics"] : undefined;
      return { statistics: { tokenCount: isFields(statistics) ? statistics["token_count"] : undefined } };
    }),
  };
}
