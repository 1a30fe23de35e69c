import { answerKindOf } from "./answer-kind.ts";
import { createAnswerReader, type AnswerTraits } from "./answer-reader.ts";
import { areMessages, isFields, isText, readFacts, type RequestTraits } from "./request-facts.ts";
import type { WireFormat } from "./wire-format.ts";

/** OpenAI's chat completions, spoken by most others. */
export const openaiChat: WireFormat = {
  name: "openai-chat",
  readRequest: (body, route) => readFacts(chatRequest, body, route),
  withUsageAskedFor,
  answerKind: answerKindOf,
  createReader: (request, tokens) => createAnswerReader(chatAnswer, request, tokens),
};

/** The same of hosts that tell usage in every stream, and of which some refuse a wish for it. */
export const openaiChatTelling: WireFormat = withoutWish(withTexts(openaiChat));

/** The completions from before there was chat, and those that fill in the middle. */
export const openaiCompletions: WireFormat = {
  ...withTexts(openaiChat),
  name: "openai-completions",
  readRequest: (body, route) => readFacts(completionsRequest, body, route),
};

export const openaiCompletionsTelling: WireFormat = withoutWish(openaiCompletions);

const chatRequest: RequestTraits = {
  isShaped: ({ model, messages }) => isText(model) && areMessages(messages),
  inputFields: ["messages", "tools", "functions", "response_format"],
};

const completionsRequest: RequestTraits = {
  isShaped: ({ model, prompt }) => isText(model) && (typeof prompt === "string" || Array.isArray(prompt)),
  inputFields: ["prompt", "suffix"],
};

const chatAnswer: AnswerTraits = {
  fields: {
    content: "output",
    reasoning: "output",
    reasoning_content: "output",
    refusal: "output",
    arguments: "output",
    usage: "sums",
    finish_reason: "end",
    error: "told",
  },
  outputFields: ["choices"],
  estimates: "text",
};

const textsAnswer: AnswerTraits = { ...chatAnswer, fields: { ...chatAnswer.fields, text: "output" } };

/** A stream tells its usage only when it is asked to. Who asked for it, or said no, is left alone. */
function withUsageAskedFor(body: Record<string, unknown>): Record<string, unknown> | undefined {
  const wishes = body["stream_options"];
  if (body["stream"] !== true || (wishes !== undefined && wishes !== null && !isFields(wishes))) return undefined;
  if (isFields(wishes) && wishes["include_usage"] !== undefined && wishes["include_usage"] !== null) return undefined;
  return { ...body, stream_options: { ...wishes, include_usage: true } };
}

/**
 * Mistral's content may be a list of texts and thoughts, and a completion is a text. Elsewhere in a chat `text` says again what another field has
 * said: OpenRouter's `reasoning_details` its `reasoning`.
 */
function withTexts(format: WireFormat): WireFormat {
  return { ...format, createReader: (request, tokens) => createAnswerReader(textsAnswer, request, tokens) };
}

function withoutWish({ withUsageAskedFor: _wish, ...format }: WireFormat): WireFormat {
  return format;
}
