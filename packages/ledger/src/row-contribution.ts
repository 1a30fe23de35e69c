import type { LedgerRow } from "./ledger-row.ts";
import type { SumColumn } from "./rollups.ts";

/**
 * What one row adds to each sum of a rollup. The databases say the same in SQL; this is the definition that they, and a store
 * in memory, are held against. A correction adds its cost and no event.
 */
export function contributionOf(row: LedgerRow): Record<SumColumn, bigint> {
  const isEvent = row.corrects === null;
  const isTimed = isEvent && row.inferenceMicros !== null;
  const isEstimated =
    row.costStatus === "estimated" || row.usageSource === "estimated" || row.usageSource === "partial";
  return {
    records: 1n,
    events: isEvent ? 1n : 0n,
    successes: isEvent && row.isSuccess ? 1n : 0n,
    errors: isEvent && !row.isSuccess ? 1n : 0n,
    estimated: isEvent && isEstimated ? 1n : 0n,
    unpriced: BigInt(row.unpriced),
    input_tokens: BigInt(row.inputTokens ?? 0),
    output_tokens: BigInt(row.outputTokens ?? 0),
    cache_read_tokens: BigInt(row.cacheReadTokens ?? 0),
    cache_write_tokens: BigInt(row.cacheWriteTokens ?? 0),
    reasoning_tokens: BigInt(row.reasoningTokens ?? 0),
    cost_nano_usd: row.costNanoUsd ?? 0n,
    timed: isTimed ? 1n : 0n,
    inference_micros: isTimed ? BigInt(row.inferenceMicros ?? 0) : 0n,
    queue_micros: isEvent ? BigInt(row.queueMicros ?? 0) : 0n,
  };
}
