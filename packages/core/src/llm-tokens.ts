import type { LlmUsage } from "./llm-call.ts";
import { reasonAgainst } from "./refusals.ts";
import type { RefusalReason } from "./vocabulary.ts";

/** Token counts of a call, each a whole number or null when not known. */
export interface TokenCounts {
  readonly input: number | null;
  readonly output: number | null;
  readonly cacheRead: number | null;
  readonly cacheWrite: number | null;
  readonly reasoning: number | null;
}

/** The counts that can be trusted. A wrong one is refused by itself; the others stand. */
export function tokenCounts(usage: LlmUsage, refuse: (reason: RefusalReason) => void): TokenCounts {
  return {
    input: count(usage.inputTokens, refuse),
    output: count(usage.outputTokens, refuse),
    cacheRead: count(usage.cacheReadTokens, refuse),
    cacheWrite: count(usage.cacheWriteTokens, refuse),
    reasoning: count(usage.reasoningTokens, refuse),
  };
}

function count(value: unknown, refuse: (reason: RefusalReason) => void): number | null {
  if (value === undefined || value === null) return null;
  const number = typeof value === "bigint" ? Number(value) : value;
  if (typeof number === "number" && number >= 0 && Number.isSafeInteger(number)) return number;
  const isFraction = typeof number === "number" && number > 0 && number < Number.MAX_SAFE_INTEGER;
  refuse(isFraction ? "not_a_number" : reasonAgainst(number));
  return null;
}
