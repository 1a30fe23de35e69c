import type { LlmUsage } from "./llm-call.ts";
import { fieldsOf, number, sum, word, type Fields } from "./usage-fields.ts";

/** Whether these counts are Anthropic's: what was read from the cache or written to it comes beside the input. */
export function isAnthropicUsage(usage: Fields): boolean {
  if ("prompt_tokens" in usage) return false;
  return "cache_read_input_tokens" in usage || "cache_creation_input_tokens" in usage || "cache_creation" in usage;
}

/** Anthropic's messages, also by Bedrock and Vertex. */
export function anthropicUsage(message: Fields, usage: Fields): LlmUsage {
  const written = fieldsOf(usage["cache_creation"]);
  const forAnHour = number(written["ephemeral_1h_input_tokens"]);
  const cacheRead = number(usage["cache_read_input_tokens"]);
  const cacheWrite =
    number(usage["cache_creation_input_tokens"]) ?? sum(forAnHour, number(written["ephemeral_5m_input_tokens"]));
  const input = number(usage["input_tokens"]);
  return {
    inputTokens: input === undefined ? undefined : sum(input, cacheRead, cacheWrite),
    outputTokens: number(usage["output_tokens"]),
    cacheReadTokens: cacheRead,
    cacheWriteTokens: cacheWrite,
    cacheWriteHourTokens: forAnHour,
    reasoningTokens: number(fieldsOf(usage["output_tokens_details"])["thinking_tokens"]),
    webSearches: number(fieldsOf(usage["server_tool_use"])["web_search_requests"]),
    responseModel: word(message["model"]),
    // The fast mode is no tier by name, but it has a price of its own as one has.
    serviceTier: usage["speed"] === "fast" ? "fast" : word(usage["service_tier"]),
  };
}
