import type { SumColumn } from "../rollups.ts";

/** `contributionOf` in SQL that both databases understand: what a row of `usage_events` adds to each sum. */
export const contributionInSql: Readonly<Record<SumColumn, string>> = {
  records: "1",
  events: "CASE WHEN corrects IS NULL THEN 1 ELSE 0 END",
  successes: "CASE WHEN corrects IS NULL AND is_success THEN 1 ELSE 0 END",
  errors: "CASE WHEN corrects IS NULL AND NOT is_success THEN 1 ELSE 0 END",
  estimated:
    "CASE WHEN corrects IS NULL AND (cost_status = 'estimated' OR usage_source IN ('estimated', 'partial')) THEN 1 ELSE 0 END",
  unpriced: "unpriced",
  input_tokens: "coalesce(input_tokens, 0)",
  output_tokens: "coalesce(output_tokens, 0)",
  cache_read_tokens: "coalesce(cache_read_tokens, 0)",
  cache_write_tokens: "coalesce(cache_write_tokens, 0)",
  reasoning_tokens: "coalesce(reasoning_tokens, 0)",
  cost_nano_usd: "coalesce(cost_nano_usd, 0)",
  timed: "CASE WHEN corrects IS NULL AND inference_micros IS NOT NULL THEN 1 ELSE 0 END",
  inference_micros: "CASE WHEN corrects IS NULL THEN coalesce(inference_micros, 0) ELSE 0 END",
  queue_micros: "CASE WHEN corrects IS NULL THEN coalesce(queue_micros, 0) ELSE 0 END",
};
