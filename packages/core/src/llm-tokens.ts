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
    input: countOf(usage.inputTokens, refuse),
    output: countOf(usage.outputTokens, refuse),
    cacheRead: countOf(usage.cacheReadTokens, refuse),
    cacheWrite: countOf(usage.cacheWriteTokens, refuse),
    reasoning: countOf(usage.reasoningTokens, refuse),
  };
}

/** The count; null where there is none. A wrong one is refused. */
export function countOf(value: unknown, refuse: (reason: RefusalReason) => void): number | null {
  if (value === undefined || value === null) return null;
  const number = typeof value === "bigint" ? Number(value) : value;
  if (typeof number === "number" && number >= 0 && Number.isSafeInteger(number)) return number;
  const isFraction = typeof number === "number" && number > 0 && number < Number.MAX_SAFE_INTEGER;
  refuse(isFraction ? "not_a_number" : reasonAgainst(number));
  return null;
}
