import type { Bill } from "./reply.ts";

/** What the calls of the table cost, by hand from the providers' lists of November 2026, in nano-USD; null where nobody sells the model. */
export interface HandMadeCosts {
  readonly plain: bigint | null;
  readonly cached: bigint | null;
  readonly reasoning: bigint | null;
}

const plainBill: Bill = { input: 100, output: 20 };
const reasoningBill: Bill = { input: 100, output: 500, reasoning: 400 };

/** Anthropic alone tells what was written to the cache, and for how long. */
export function cachedBill(provider: string): Bill {
  const bill = { input: 1000, output: 50, cacheRead: 600 };
  return provider === "anthropic" ? { ...bill, cacheWrite: 300, cacheWriteHour: 100 } : bill;
}

// gpt-5: $1.25 a million tokens in, $0.125 cached, $10 out: 1250, 125 and 10,000 nano-USD a token.
const gpt5: HandMadeCosts = {
  // 100 × 1250 + 20 × 10,000
  plain: 325_000n,
  // (1000 - 600) × 1250 + 600 × 125 + 50 × 10,000 = 500,000 + 75,000 + 500,000
  cached: 1_075_000n,
  // 100 × 1250 + 500 × 10,000: reasoning is output, once
  reasoning: 5_125_000n,
};

export const handMadeCosts: Readonly<Record<string, HandMadeCosts>> = {
  openai: gpt5,
  "azure.ai.openai": gpt5,
  // As OpenRouter says itself: 0.00041, 0.00123 and 0.0052 USD, none of which is the list's price.
  openrouter: { plain: 410_000n, cached: 1_230_000n, reasoning: 5_200_000n },
  // claude-sonnet-5: $2 in, $0.20 cached, $2.50 written for five minutes, $4 for an hour, $10 out.
  anthropic: {
    // 100 × 2000 + 20 × 10,000
    plain: 400_000n,
    // (1000 - 600 - 300) × 2000 + 600 × 200 + 200 × 2500 + 100 × 4000 + 50 × 10,000
    //   = 200,000 + 120,000 + 500,000 + 400,000 + 500,000
    cached: 1_720_000n,
    // 100 × 2000 + 500 × 10,000
    reasoning: 5_200_000n,
  },
  // gemini-2.5-flash: $0.30 in, $0.03 cached, $2.50 out.
  "gcp.gemini": {
    // 100 × 300 + 20 × 2500
    plain: 80_000n,
    // (1000 - 600) × 300 + 600 × 30 + 50 × 2500 = 120,000 + 18,000 + 125,000
    cached: 263_000n,
    // 100 × 300 + 500 × 2500
    reasoning: 1_280_000n,
  },
  ollama: { plain: null, cached: null, reasoning: null },
};

/** The bill as the provider tells it. OpenRouter tells the cost with it. */
export function billFor(provider: string, kind: keyof HandMadeCosts): Bill {
  const bill = kind === "plain" ? plainBill : kind === "cached" ? cachedBill(provider) : reasoningBill;
  const cost = handMadeCosts[provider]?.[kind] ?? null;
  return provider === "openrouter" && cost !== null ? { ...bill, costUsd: Number(cost) / 1e9 } : bill;
}
