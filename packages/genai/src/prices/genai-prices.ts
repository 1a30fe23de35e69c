import { createRequire } from "node:module";
import type { PriceBook, PricedCall } from "@meterbridge/core";
import type * as genaiPricesPackage from "@pydantic/genai-prices";

/**
 * The default price book: `@pydantic/genai-prices`, offline, exact to its pinned version. Half a megabyte of prices is loaded at
 * the first priced call, not at start. An unknown model is null, never 0. Batch, flex and priority tiers are not in its data:
 * such calls are priced at the standard rate.
 */
export function genaiPrices(): PriceBook {
  let calcPrice: typeof genaiPricesPackage.calcPrice | undefined;
  return {
    name: `genai-prices@${genaiPricesVersion}`,
    price(call) {
      calcPrice ??= load().calcPrice;
      return nanoUsd(calcPrice, call, call.responseModel) ?? nanoUsd(calcPrice, call, call.model);
    },
  };
}

/** The pinned version, written on every priced call. A test holds it against the installed package. */
export const genaiPricesVersion = "0.1.8";

type CalcPrice = typeof genaiPricesPackage.calcPrice;

/** Loaded synchronously, because a call is priced when it is recorded. */
function load(): typeof genaiPricesPackage {
  return createRequire(import.meta.url)("@pydantic/genai-prices") as typeof genaiPricesPackage;
}

function nanoUsd(calcPrice: CalcPrice, call: PricedCall, model: string | undefined): bigint | null {
  if (model === undefined) return null;
  const usage = {
    input_tokens: call.inputTokens,
    output_tokens: call.outputTokens,
    cache_read_tokens: call.cacheReadTokens,
    cache_write_tokens: call.cacheWriteTokens,
  };
  const price = calcPrice(usage, model, {
    providerId: providerIds[call.provider] ?? call.provider,
    timestamp: call.occurredAt,
  });
  return price === null ? null : BigInt(Math.round(price.total_price * 1e9));
}

/** The conventions' provider names, where the package has another. */
const providerIds: Readonly<Record<string, string>> = {
  "aws.bedrock": "aws",
  "azure.ai.inference": "azure",
  "azure.ai.openai": "azure",
  "gcp.gemini": "google",
  "gcp.gen_ai": "google",
  "gcp.vertex_ai": "google",
  mistral_ai: "mistral",
  moonshot_ai: "moonshotai",
  x_ai: "x-ai",
};
