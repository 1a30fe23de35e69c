/** What usage can be grouped and filtered by. In rollup tables "not known" is the empty text: null never equals null in a key. */
export const dimensions = ["tenant", "employee", "project", "kind", "provider", "model"] as const;
export type Dimension = (typeof dimensions)[number];

/**
 * What a rollup adds up. `records` counts rows, `events` rows that are no corrections, `timed` events of known duration,
 * `estimated` events whose tokens or cost are not the provider's final word.
 */
export const sums = [
  "records",
  "events",
  "successes",
  "errors",
  "estimated",
  "unpriced",
  "input_tokens",
  "output_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "reasoning_tokens",
  "cost_nano_usd",
  "timed",
  "inference_micros",
  "queue_micros",
] as const;
export type SumColumn = (typeof sums)[number];

export interface Rollup {
  readonly table: string;
  /** Length of a bucket, from the Unix epoch on; null: one bucket for all time. */
  readonly seconds: number | null;
  readonly dimensions: readonly Dimension[];
}

/**
 * The rollups, coarse to fine, all kept in the transaction that writes the rows. Quarter hours are the finest, since every
 * time zone's days begin on one; the others keep long ranges short to read. `usage_totals` feeds the hot counters.
 */
export const rollups: readonly Rollup[] = [
  { table: "usage_totals", seconds: null, dimensions: ["tenant", "employee", "kind"] },
  { table: "usage_days", seconds: 86_400, dimensions },
  { table: "usage_hours", seconds: 3_600, dimensions: ["tenant", "project", "kind", "provider", "model"] },
  { table: "usage_quarters", seconds: 900, dimensions },
];
