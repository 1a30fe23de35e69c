import { standardFactor, type TierFactor } from "./rate-card.ts";

/**
 * The tier's name as this table has it. Undefined stands for the standard tier: nobody said otherwise, or only that the provider
 * may choose (`auto`), which is a wish and no tier.
 */
export function servedTier(tier: string | null | undefined): string | undefined {
  // Null is what OpenAI answers where nothing was asked for.
  const name = (tier ?? "").toLowerCase();
  return standardNames.has(name) ? undefined : (otherNames.get(name) ?? name);
}

const standardNames: ReadonlySet<string> = new Set(["", "standard", "default", "auto", "on_demand"]);

/** Vertex AI's traffic types, and what OpenAI calls its priority tier since 2026-07-30. */
const otherNames: ReadonlyMap<string, string> = new Map([
  ["on_demand_flex", "flex"],
  ["on_demand_priority", "priority"],
  ["fast", "priority"],
]);

/**
 * What a tier's tokens cost in terms of the standard ones; undefined where no figure is published, or the tier is bought as
 * capacity (OpenAI's scale, Anthropic's priority, provisioned throughput): a call served there has no price of its own.
 *
 * @param provider - The price list's name of it.
 * @param model - The model's name, as asked for or answered.
 */
export function tierFactor(provider: string, model: string, tier: string | undefined): TierFactor | undefined {
  if (tier === undefined) return standardFactor;
  if (provider === "openai" && tier === "priority") return openaiPriority(model);
  return tierFigures.find(
    (figure) => figure.provider === provider && figure.tiers.includes(tier) && figure.models.test(model),
  )?.factor;
}

interface TierFigure {
  readonly provider: string;
  readonly tiers: readonly string[];
  readonly models: RegExp;
  readonly factor: TierFactor;
  /** Where the provider says so, who quotes it where that page was not read itself, and when. */
  readonly source: string;
}

const half: TierFactor = { numerator: 1, denominator: 2 };
const every = /./;

export const tierFigures: readonly TierFigure[] = [
  {
    provider: "openai",
    tiers: ["batch", "flex"],
    models: every,
    factor: half,
    source:
      "developers.openai.com/api/docs/pricing, as quoted by LiteLLM and others: half of standard, caches too (2026-11)",
  },
  {
    provider: "anthropic",
    tiers: ["batch"],
    models: every,
    factor: half,
    source:
      "platform.claude.com/docs/en/build-with-claude/batch-processing, as quoted: 50 % of all usage, caches too (2026-11)",
  },
  {
    provider: "google",
    tiers: ["flex"],
    models: /gemini-/,
    factor: half,
    source: "ai.google.dev/gemini-api/docs/optimization: 50 % of the standard price (2026-11)",
  },
  {
    provider: "google",
    tiers: ["batch"],
    models: /gemini-/,
    factor: { ...half, leavesCacheReads: true },
    source:
      "ai.google.dev/gemini-api/docs/optimization: 50 %; Vertex AI's page of batch inference: not for what is read from a cache (2026-11)",
  },
  {
    provider: "google",
    tiers: ["priority"],
    models: /gemini-3\.[78]-flash/,
    factor: { numerator: 9, denominator: 5 },
    source: "ai.google.dev/gemini-api/docs/pricing, as quoted by genai-prices 0.1.8: 1.8 times standard (2026-11)",
  },
  {
    provider: "aws",
    tiers: ["batch"],
    models: every,
    factor: half,
    source: "docs.aws.amazon.com/bedrock/latest/userguide/capacity-limits-cost-optimization.html: 50 % (2026-11)",
  },
  {
    provider: "aws",
    tiers: ["flex"],
    models: every,
    factor: half,
    source: "AWS re:Invent 2025, session AIM3304, dev.to/kazuya_dev: 50 % discount (2026-11)",
  },
  {
    provider: "azure",
    tiers: ["batch"],
    models: every,
    factor: half,
    source: "learn.microsoft.com/azure/ai-foundry/openai/how-to/batch: 50 % less than global standard (2026-11)",
  },
  {
    provider: "groq",
    tiers: ["flex"],
    models: every,
    factor: standardFactor,
    source: "console.groq.com/docs/flex-processing: the price of on-demand (2026-11)",
  },
  {
    provider: "groq",
    tiers: ["batch"],
    models: every,
    factor: half,
    source: "groq.com/pricing, as quoted by api-evangelist: 50 % (2026-05)",
  },
  {
    provider: "mistral",
    tiers: ["batch"],
    models: every,
    factor: half,
    source: "mistral.ai/pricing, as quoted by others: 50 % off any model (2026-01)",
  },
  {
    provider: "fireworks",
    tiers: ["batch"],
    models: every,
    factor: half,
    source: "docs.fireworks.ai/serverless/pricing: 50 % of serverless, input and output (2026-11)",
  },
];

/**
 * OpenAI's priority processing, called fast mode since 2026-07-30: https://openai.com/api-fast-mode/ (read 2026-11). The page gives prices,
 * for input, cached input and output; divided by the standard ones these are one factor for each model. Long contexts are excluded there.
 */
const openaiPriorityFactors: ReadonlyMap<string, readonly [numerator: number, denominator: number]> = new Map([
  ["gpt-5.6-sol", [2, 1]],
  ["gpt-5.6-terra", [2, 1]],
  ["gpt-5.6-luna", [2, 1]],
  ["gpt-5.5", [5, 2]],
  ["gpt-5.4", [2, 1]],
  ["gpt-5.4-mini", [2, 1]],
  ["gpt-5.2", [2, 1]],
  ["gpt-5.1", [2, 1]],
  ["gpt-5.1-codex", [2, 1]],
  ["gpt-5", [2, 1]],
  ["gpt-5-codex", [2, 1]],
  ["gpt-5-mini", [9, 5]],
  ["gpt-4.1", [7, 4]],
  ["gpt-4.1-mini", [7, 4]],
  ["gpt-4.1-nano", [2, 1]],
  ["gpt-4o", [17, 10]],
  ["gpt-4o-2024-05-13", [7, 4]],
  ["gpt-4o-mini", [5, 3]],
  ["o3", [7, 4]],
  ["o4-mini", [20, 11]],
]);

function openaiPriority(model: string): TierFactor | undefined {
  const name = model.toLowerCase();
  const factor = openaiPriorityFactors.get(name) ?? openaiPriorityFactors.get(name.replace(/-\d{4}-\d{2}-\d{2}$/, ""));
  if (factor === undefined) return undefined;
  return { numerator: factor[0], denominator: factor[1], isShortContextOnly: true };
}
