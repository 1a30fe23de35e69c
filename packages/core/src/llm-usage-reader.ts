import { errorTypeOf } from "./error-type.ts";
import type { LlmUsage } from "./llm-call.ts";
import { usageOf } from "./llm-usage.ts";
import {
  larger,
  readAddedUp,
  readAnthropic,
  readBedrock,
  readChoices,
  readGemini,
  readResponse,
  readSdkPart,
  type StreamState,
} from "./stream-events.ts";
import { fieldsOf, isObject, word, type Fields } from "./usage-fields.ts";

/**
 * Reads what a streamed answer tells of its usage, event by event: chat completions and completions (chunks), responses, images and speech
 * of OpenAI and of those who speak its language; Anthropic; Gemini; Bedrock (ConverseStream); Ollama; the AI SDK's parts; LangChain's chunks.
 * Holds counts and names, never content, and no more of them for a longer stream.
 */
export interface UsageReader {
  /** An event of the stream, parsed. Anything else is passed over. Throws only what the event's own getters throw. */
  read(event: unknown): void;
  /**
   * What was told until now; null when nothing was. The model and the tier may be known before any count is.
   * Says nothing of `usageSource`: that is for who knows how the stream ended.
   */
  usage(): LlmUsage | null;
  /** The provider told its final figures: those of a stream that is cut before are partial. */
  isFinal(): boolean;
  /** The `error.type` when an event said that the call failed: the provider's word for it, or `stream_error`. */
  failure(): string | undefined;
}

export function createUsageReader(): UsageReader {
  const state: StreamState = {
    usage: undefined,
    raw: undefined,
    webSearches: undefined,
    isOver: false,
    isFinal: false,
  };
  let model: string | undefined;
  let tier: string | undefined;
  let failure: string | undefined;

  function read(event: unknown): void {
    if (!isObject(event)) return;
    const { type, error } = event;
    if (type === "error" || type === "response.failed" || isObject(error)) failure ??= errorTypeOfEvent(event);
    // Most events of most streams are one of these two.
    if (Array.isArray(event["choices"])) readChoices(event, state);
    else if (typeof type !== "string" || !saysNothing(type)) readAny(event, state);
    model = state.usage?.responseModel ?? model ?? modelOf(event);
    tier = state.usage?.serviceTier ?? word(event["service_tier"]) ?? tier;
  }

  return {
    read,
    usage() {
      const { usage, webSearches } = state;
      if (usage === undefined && model === undefined && webSearches === undefined) return null;
      const searches = larger(usage?.webSearches, webSearches);
      return {
        ...usage,
        responseModel: model,
        serviceTier: tier,
        ...(searches !== undefined && { webSearches: searches }),
      };
    },
    isFinal: () => state.isFinal,
    failure: () => failure,
  };
}

/** A piece of the answer and no more: OpenAI's responses, Anthropic, the AI SDK. */
function saysNothing(type: string): boolean {
  return type.endsWith("delta") && type !== "message_delta";
}

function readAny(event: Fields, state: StreamState): void {
  for (const readEvent of readers) if (readEvent(event, state)) return;
}

/** Each takes the events of its kind. Their order is that of how plainly an event shows its kind. */
const readers: readonly ((event: Fields, state: StreamState) => boolean)[] = [
  readAnthropic,
  readResponse,
  readSdkPart,
  readGemini,
  readAddedUp,
  readBedrock,
  readWhole,
];

/** Ollama's last line, OpenAI's last event of an image or a transcription: whole results by themselves. */
function readWhole(event: Fields, state: StreamState): boolean {
  const usage = usageOf(event);
  if (usage === null) return false;
  state.usage = usage;
  state.isFinal = true;
  return true;
}

function modelOf(event: Fields): string | undefined {
  if ("model" in event) return word(event["model"]);
  if ("modelVersion" in event) return word(event["modelVersion"]);
  if ("response_metadata" in event) return word(fieldsOf(event["response_metadata"])["model_name"]);
  return event["type"] === "response-metadata" ? word(event["modelId"]) : undefined;
}

/** A plain word of the provider's, such as `overloaded_error`; anything longer could be a message. Frameworks hand on the error itself. */
function errorTypeOfEvent(event: Fields): string {
  const error = fieldsOf(fieldsOf(event["response"])["error"] ?? event["error"]);
  const status = error["statusCode"] ?? error["status"];
  if (typeof status === "number") return String(status);
  if ("stack" in error) return errorTypeOf(error);
  // Google says its word in `status`, beside a number in `code`.
  for (const name of [error["type"], error["status"], error["code"], event["code"]]) {
    if (typeof name === "string" && /^[a-z][a-z_]{1,39}$/i.test(name)) return name;
  }
  return "stream_error";
}
