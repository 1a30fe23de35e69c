import type { PricedCall } from "@meterbridge/core";

/** A call that used nothing but what is given. */
export function pricedCall(provider: string, model: string, used: Partial<PricedCall>): PricedCall {
  return {
    provider,
    model,
    inputTokens: 0,
    outputTokens: 0,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    reasoningTokens: 0,
    occurredAt: new Date("2026-11-01T12:00:00Z"),
    ...used,
  };
}

/** USD as text, in nano-USD. */
export function nanoUsd(usd: string): bigint {
  const [whole = "", fraction = ""] = usd.split(".");
  return BigInt(whole + fraction.padEnd(9, "0"));
}
