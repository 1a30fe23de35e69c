import type { LlmUsage } from "./llm-call.ts";

/**
 * Usage as the clients of OpenAI (chat completions, responses, embeddings) and Anthropic (messages) return it in `result.usage`,
 * normalised: Anthropic's cached tokens come beside its input tokens, the conventions count them in. Null for any other result.
 * Only counts and the model's name are read, never content.
 */
export function usageOf(result: unknown): LlmUsage | null {
  const { usage, model, service_tier: tierOfResult } = fieldsOf(result);
  if (typeof usage !== "object" || usage === null) return null;
  const counts = fieldsOf(usage);
  // OpenAI tells the tier beside the usage, Anthropic in it.
  const tier = tierOfResult ?? counts["service_tier"];
  const inputDetails = fieldsOf(counts["prompt_tokens_details"] ?? counts["input_tokens_details"]);
  const outputDetails = fieldsOf(counts["completion_tokens_details"] ?? counts["output_tokens_details"]);
  const beside = "cache_read_input_tokens" in counts || "cache_creation_input_tokens" in counts;
  const cacheRead = number(counts["cache_read_input_tokens"] ?? inputDetails["cached_tokens"]);
  const cacheWrite = number(counts["cache_creation_input_tokens"]);
  const input = number(counts["prompt_tokens"] ?? counts["input_tokens"]);
  return {
    inputTokens: input === undefined || !beside ? input : input + (cacheRead ?? 0) + (cacheWrite ?? 0),
    outputTokens: number(counts["completion_tokens"] ?? counts["output_tokens"]),
    cacheReadTokens: cacheRead,
    cacheWriteTokens: cacheWrite,
    reasoningTokens: number(outputDetails["reasoning_tokens"]),
    responseModel: typeof model === "string" ? model : undefined,
    serviceTier: typeof tier === "string" ? tier : undefined,
  };
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function number(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
