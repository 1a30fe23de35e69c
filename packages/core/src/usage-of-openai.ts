import type { LlmUsage } from "./llm-call.ts";
import { byModality, fieldsOf, isObject, number, sumOf, withReasoning, word, type Fields } from "./usage-fields.ts";

/**
 * The language of OpenAI: chat completions, completions, responses, embeddings, images, transcriptions, realtime; and of those who speak it:
 * Azure, Mistral, Groq, OpenRouter, DeepSeek, xAI, Perplexity, Together, vLLM, LiteLLM. Cached tokens are part of the input.
 */
export function openAiUsage(result: Fields, usage: Fields): LlmUsage {
  const inputDetails = detailsOf(usage, "prompt_tokens_details", "input_tokens_details", "input_token_details");
  const outputDetails = detailsOf(usage, "completion_tokens_details", "output_tokens_details", "output_token_details");
  const cached = fieldsOf(inputDetails["cached_tokens_details"]);
  const input = number(usage["prompt_tokens"] ?? usage["input_tokens"] ?? usage["promptTokens"]);
  const output = number(usage["completion_tokens"] ?? usage["output_tokens"] ?? usage["completionTokens"]);
  const total = usage["total_tokens"];
  const reasoning =
    number(outputDetails["reasoning_tokens"] ?? usage["reasoning_tokens"]) ??
    untoldThoughts(result, input, output, total);
  return {
    inputTokens: input,
    outputTokens: withReasoning(input, output, reasoning, total),
    cacheReadTokens: number(
      inputDetails["cached_tokens"] ??
        usage["prompt_cache_hit_tokens"] ??
        usage["cached_tokens"] ??
        usage["cache_read_input_tokens"],
    ),
    cacheWriteTokens: number(inputDetails["cache_write_tokens"] ?? usage["cache_creation_input_tokens"]),
    reasoningTokens: reasoning,
    inputByModality: modalitiesOf(inputDetails),
    cacheReadByModality: modalitiesOf(cached),
    outputByModality:
      modalitiesOf(outputDetails) ?? (isImage(result) ? byModality({ ...none, image: output }) : undefined),
    webSearches: number(
      fieldsOf(usage["server_tool_use"])["web_search_requests"] ?? usage["num_search_queries"] ?? searchesIn(result),
    ),
    responseModel: word(result["model"]),
    serviceTier: word(result["service_tier"] ?? usage["service_tier"]),
    costUsd: costOf(usage),
  };
}

/** Where Gemini answers in OpenAI's language its thoughts are in the total alone. */
function untoldThoughts(
  { model }: Fields,
  input: number | undefined,
  output: number | undefined,
  total: unknown,
): number | undefined {
  if (typeof total !== "number" || input === undefined || output === undefined) return undefined;
  const rest = total - input - output;
  return rest > 0 && typeof model === "string" && model.includes("gemini") ? rest : undefined;
}

/**
 * Whether an item of a response's output is a search of the web that is charged for: opening a page that was found, or looking for a text in
 * it, is none. Without an action it comes of the first models that searched, which did nothing else.
 */
export function isWebSearch(item: unknown): boolean {
  const { type, status, action } = fieldsOf(item);
  if (type !== "web_search_call" || status === "failed") return false;
  return !isObject(action) || action["type"] === "search";
}

function searchesIn({ output }: Fields): number | undefined {
  if (!Array.isArray(output)) return undefined;
  return sumOf(output, (item) => (isWebSearch(item) ? 1 : undefined));
}

/** OpenRouter says what it charged; with a key of the caller's own, the provider behind it charges besides. Perplexity says it in parts. */
function costOf(usage: Fields): number | undefined {
  const { cost } = usage;
  if (isObject(cost)) return number(cost["total_cost"]);
  if (typeof cost !== "number" || usage["is_byok"] !== true) return number(cost);
  return cost + (number(fieldsOf(usage["cost_details"])["upstream_inference_cost"]) ?? 0);
}

function detailsOf(usage: Fields, ...names: readonly string[]): Fields {
  for (const name of names) if (isObject(usage[name])) return usage[name];
  return none;
}

function modalitiesOf(details: Fields): LlmUsage["inputByModality"] {
  return byModality({
    text: details["text_tokens"],
    image: details["image_tokens"],
    audio: details["audio_tokens"],
    video: details["video_tokens"],
  });
}

/** The images API tells the output's modality only in its newest versions; it gives images alone. */
function isImage(result: Fields): boolean {
  return "output_format" in result && "quality" in result;
}

const none = { text: undefined, image: undefined, audio: undefined, video: undefined };
