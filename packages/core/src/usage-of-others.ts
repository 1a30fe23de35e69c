import type { LlmUsage } from "./llm-call.ts";
import { fieldsOf, isObject, number, sum, sumOf, word, type Fields } from "./usage-fields.ts";

/** Amazon Bedrock's Converse. What was read from the cache or written to it comes beside the input. */
export function bedrockUsage(result: Fields, usage: Fields): LlmUsage {
  const cacheRead = number(usage["cacheReadInputTokens"]);
  const cacheWrite = number(usage["cacheWriteInputTokens"]);
  const input = number(usage["inputTokens"]);
  return {
    inputTokens: input === undefined ? undefined : sum(input, cacheRead, cacheWrite),
    outputTokens: number(usage["outputTokens"]),
    cacheReadTokens: cacheRead,
    cacheWriteTokens: cacheWrite,
    cacheWriteHourTokens: writtenForAnHour(usage["cacheDetails"]),
    serviceTier: word(fieldsOf(result["serviceTier"])["type"]),
  };
}

/** Whether these counts are of Bedrock's Converse, which the AI SDK's resemble. */
export function isBedrockUsage(usage: Fields): boolean {
  return "cacheReadInputTokens" in usage || "cacheWriteInputTokens" in usage || "cacheDetails" in usage;
}

/** Ollama's chat, generate and embed; the answer itself holds the counts. */
export function ollamaUsage(result: Fields): LlmUsage {
  return {
    inputTokens: number(result["prompt_eval_count"]),
    outputTokens: number(result["eval_count"]),
    responseModel: word(result["model"]),
  };
}

/** Cohere's billed units are what it charges for, its tokens include those it adds itself. On the wire and as its client names them. */
export function cohereUsage(usage: Fields): LlmUsage {
  const billed = fieldsOf(usage["billed_units"] ?? usage["billedUnits"]);
  const tokens = fieldsOf(usage["tokens"]);
  const of = (snake: string, camel: string): number | undefined =>
    number(billed[snake] ?? billed[camel] ?? tokens[snake] ?? tokens[camel]);
  return {
    inputTokens: of("input_tokens", "inputTokens"),
    outputTokens: of("output_tokens", "outputTokens"),
    cacheReadTokens: number(usage["cached_tokens"] ?? usage["cachedTokens"]),
  };
}

export function isCohereUsage(usage: Fields): boolean {
  return "billed_units" in usage || "billedUnits" in usage || isObject(usage["tokens"]);
}

function writtenForAnHour(details: unknown): number | undefined {
  if (!Array.isArray(details)) return undefined;
  return sumOf(details, (detail) => {
    const { ttl, inputTokens } = fieldsOf(detail);
    return ttl === "1h" ? number(inputTokens) : undefined;
  });
}
