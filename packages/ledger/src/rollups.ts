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

const quarter = 900;
const hour = 4 * quarter;
const day = 24 * hour;
const byKind: readonly Dimension[] = ["tenant", "kind"];
const byModel: readonly Dimension[] = ["tenant", "kind", "provider", "model"];

/**
 * The rollups, coarse to fine and then narrow to wide, all kept in the transaction that writes the rows. Quarter hours are the finest, since every time
 * zone's days begin on one. Quarters and days know all dimensions; that makes many buckets, so what is asked most, of all
 * tenants and over long times, has narrower ones. `usage_totals` feeds the hot counters; a block is four weeks.
 */
export const rollups: readonly Rollup[] = [
  { table: "usage_totals", seconds: null, dimensions: ["tenant", "employee", "kind"] },
  { table: "usage_model_blocks", seconds: 28 * day, dimensions: byModel },
  { table: "usage_kind_days", seconds: day, dimensions: byKind },
  { table: "usage_model_days", seconds: day, dimensions: byModel },
  { table: "usage_days", seconds: day, dimensions },
  { table: "usage_kind_hours", seconds: hour, dimensions: byKind },
  { table: "usage_quarters", seconds: quarter, dimensions },
];

/** Whether it knows no employees and no projects, of which there are many. */
export function isNarrow({ dimensions: known }: Rollup): boolean {
  return !known.includes("employee");
}

/** Every rollup after the one that it can be added up from, which is the coarsest such; undefined: from rows. */
export const foldingOrder: readonly (readonly [rollup: Rollup, source: Rollup | undefined])[] = rollups
  .toReversed()
  .map((rollup) => [rollup, rollups.filter((source) => canFold(source, rollup)).toSorted(byBuckets)[0]] as const)
  .toSorted(([one], [other]) => -byBuckets(one, other));

function canFold(source: Rollup, rollup: Rollup): boolean {
  if (source === rollup || source.seconds === null) return false;
  const isFiner = rollup.seconds === null || rollup.seconds % source.seconds === 0;
  return isFiner && rollup.dimensions.every((name) => source.dimensions.includes(name));
}

/** Fewer buckets first. */
function byBuckets(one: Rollup, other: Rollup): number {
  return one.dimensions.length - other.dimensions.length || (other.seconds ?? Infinity) - (one.seconds ?? Infinity);
}
