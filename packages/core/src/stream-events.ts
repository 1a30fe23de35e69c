import type { LlmUsage } from "./llm-call.ts";
import { usageOf } from "./llm-usage.ts";
import { fieldsOf, isObject, toldSince, type Fields } from "./usage-fields.ts";
import { anthropicUsage } from "./usage-of-anthropic.ts";
import { aiSdkUsage } from "./usage-of-frameworks.ts";
import { geminiUsage, searchesOf } from "./usage-of-gemini.ts";
import { isWebSearch, openAiUsage } from "./usage-of-openai.ts";
import { bedrockUsage } from "./usage-of-others.ts";

/** What the events of one stream come to. */
export interface StreamState {
  usage: LlmUsage | undefined;
  /** Counts as told until now, where each event tells a part of them. */
  raw: Fields | undefined;
  /** Searches of the web that single events told; the last event may tell all of them again. */
  webSearches: number | undefined;
  /** The answer is at its end; the counts may be told in the same event or in a later one. */
  isOver: boolean;
  isFinal: boolean;
}

// Each function takes the events of one kind of stream: true when this was one.

/** The first event tells the input, the last the output: each the sum until then. */
export function readAnthropic(event: Fields, state: StreamState): boolean {
  if (event["type"] === "message_start") {
    const message = fieldsOf(event["message"]);
    state.raw = fieldsOf(message["usage"]);
    state.usage = anthropicUsage(message, state.raw);
    return true;
  }
  if (event["type"] !== "message_delta") return false;
  if (isObject(event["usage"])) {
    state.raw = toldSince(state.raw ?? {}, event["usage"]);
    state.usage = { ...anthropicUsage({}, state.raw), responseModel: state.usage?.responseModel };
    state.isFinal = true;
  }
  return true;
}

/**
 * OpenAI's responses, and its realtime answers: some events hold the whole response, the last of them its usage. A search of the web is told when it
 * is done, and is charged for also where the stream is cut.
 */
export function readResponse(event: Fields, state: StreamState): boolean {
  const { type, response } = event;
  if (typeof type !== "string" || !type.startsWith("response.")) return false;
  if (type === "response.output_item.done") {
    if (isWebSearch(event["item"])) state.webSearches = (state.webSearches ?? 0) + 1;
    return true;
  }
  if (!isObject(response)) return false;
  state.usage = usageOf(response) ?? state.usage ?? usageWithoutCounts(response);
  if (ends.has(type)) state.isFinal = isObject(response["usage"]);
  return true;
}

/** Parts of the AI SDK's streams, its own and its models'. A step tells its own usage, the end that of all steps. */
export function readSdkPart(event: Fields, state: StreamState): boolean {
  const { type, usage, totalUsage } = event;
  if (type === "finish-step" && isObject(usage)) {
    state.usage = summed(state.usage, aiSdkUsage(event, usage));
    return true;
  }
  if (type !== "finish" && type !== "model-call-end") return false;
  const counts = isObject(totalUsage) ? totalUsage : usage;
  if (isObject(counts)) {
    const { responseModel, serviceTier, ...tokens } = aiSdkUsage(event, counts);
    state.usage = {
      ...tokens,
      responseModel: responseModel ?? state.usage?.responseModel,
      serviceTier: serviceTier ?? state.usage?.serviceTier,
    };
    state.isFinal = true;
  }
  return true;
}

/** OpenAI's chunks. The usage comes last, in a chunk of its own or with the end; some tell it in every chunk, as the sum until then. */
export function readChoices(event: Fields, state: StreamState): void {
  const choices = event["choices"] as readonly unknown[];
  for (const choice of choices) {
    if (typeof fieldsOf(choice)["finish_reason"] === "string") state.isOver = true;
  }
  const usage = event["usage"] ?? fieldsOf(event["x_groq"])["usage"];
  if (!isObject(usage)) return;
  state.usage = openAiUsage(event, usage);
  state.isFinal = state.isOver || choices.length === 0;
}

/** Gemini's chunks: each may tell the sums until then, some of them only once. */
export function readGemini(event: Fields, state: StreamState): boolean {
  const { candidates, usageMetadata } = event;
  if (!Array.isArray(candidates) && !isObject(usageMetadata)) return false;
  if (Array.isArray(candidates)) {
    state.webSearches = larger(state.webSearches, searchesOf(event));
    for (const candidate of candidates as readonly unknown[]) {
      if (typeof fieldsOf(candidate)["finishReason"] === "string") state.isOver = true;
    }
  }
  if (isObject(usageMetadata)) {
    state.raw = toldSince(state.raw ?? {}, usageMetadata);
    state.usage = geminiUsage(event, state.raw);
    state.isFinal = state.isOver;
  }
  return true;
}

/** LangChain's chunks are made to be added up, their usage too. */
export function readAddedUp(event: Fields, state: StreamState): boolean {
  if (!("usage_metadata" in event) && !("response_metadata" in event)) return false;
  const metadata = fieldsOf(event["response_metadata"]);
  const reason =
    metadata["finish_reason"] ??
    metadata["stop_reason"] ??
    metadata["finishReason"] ??
    fieldsOf(event["additional_kwargs"])["stop_reason"];
  if (typeof reason === "string") state.isOver = true;
  const usage = isObject(event["usage_metadata"]) ? usageOf(event) : null;
  if (usage !== null) {
    state.usage = summed(state.usage, usage);
    state.isFinal = state.isOver;
  }
  return true;
}

/** The last event of Bedrock's ConverseStream. */
export function readBedrock(event: Fields, state: StreamState): boolean {
  const { metadata } = event;
  const { usage } = fieldsOf(metadata);
  if (!isObject(metadata) || !isObject(usage)) return false;
  state.usage = bedrockUsage(metadata, usage);
  state.isFinal = true;
  return true;
}

/** The larger of what was told. */
export function larger(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.max(one, other);
}

function usageWithoutCounts(response: Fields): LlmUsage {
  return openAiUsage(response, {});
}

const ends: ReadonlySet<string> = new Set([
  "response.completed",
  "response.incomplete",
  "response.failed",
  "response.done",
]);

const counts = [
  "inputTokens",
  "outputTokens",
  "cacheReadTokens",
  "cacheWriteTokens",
  "cacheWriteHourTokens",
  "reasoningTokens",
] as const satisfies readonly (keyof LlmUsage)[];

/** The counts of both; names as the later one tells them. What is told by modality or charged by number is not told of parts. */
function summed(before: LlmUsage | undefined, later: LlmUsage): LlmUsage {
  if (before === undefined) return later;
  const total: { -readonly [Field in keyof LlmUsage]: LlmUsage[Field] } = {
    responseModel: later.responseModel ?? before.responseModel,
    serviceTier: later.serviceTier ?? before.serviceTier,
  };
  for (const count of counts) {
    const [one, other] = [before[count], later[count]];
    total[count] = one === undefined || other === undefined ? (one ?? other) : one + other;
  }
  return total;
}
