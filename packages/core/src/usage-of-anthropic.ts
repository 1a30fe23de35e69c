import type { LlmUsage } from "./llm-call.ts";
import { fieldsOf, number, sum, word, type Fields } from "./usage-fields.ts";

/** Whether these counts are Anthropic's: what was read from the cache or written to it comes beside the input. */
export function isAnthropicUsage(usage: Fields): boolean {
  if ("prompt_tokens" in usage) return false;
  return "cache_read_input_tokens" in usage || "cache_creation_input_tokens" in usage || "cache_creation" in usage;
}

/** Anthropic's messages, also by Bedrock and Vertex. */
export function anthropicUsage(message: Fields, usage: Fields): LlmUsage {
  const counts = tokensOf(usage);
  const { iterations } = usage;
  return {
    ...(Array.isArray(iterations) ? withCompactions(counts, iterations) : counts),
    reasoningTokens: number(fieldsOf(usage["output_tokens_details"])["thinking_tokens"]),
    webSearches: number(fieldsOf(usage["server_tool_use"])["web_search_requests"]),
    responseModel: word(message["model"]),
    // The fast mode is no tier by name, but it has a price of its own as one has.
    serviceTier: usage["speed"] === "fast" ? "fast" : word(usage["service_tier"]),
  };
}

type Counts = Pick<
  LlmUsage,
  "inputTokens" | "outputTokens" | "cacheReadTokens" | "cacheWriteTokens" | "cacheWriteHourTokens"
>;

function tokensOf(usage: Fields): Counts {
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
  };
}

/** What it took to shorten a long context on the way is charged for, and is not in the totals (BetaIterationsUsage of Anthropic's client). */
function withCompactions(counts: Counts, iterations: readonly unknown[]): Counts {
  return iterations.reduce<Counts>((total, iteration) => {
    const fields = fieldsOf(iteration);
    if (fields["type"] !== "compaction") return total;
    const more = tokensOf(fields);
    return {
      inputTokens: sum(total.inputTokens, more.inputTokens),
      outputTokens: sum(total.outputTokens, more.outputTokens),
      cacheReadTokens: sum(total.cacheReadTokens, more.cacheReadTokens),
      cacheWriteTokens: sum(total.cacheWriteTokens, more.cacheWriteTokens),
      cacheWriteHourTokens: sum(total.cacheWriteHourTokens, more.cacheWriteHourTokens),
    };
  }, counts);
}
