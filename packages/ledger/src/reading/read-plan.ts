import { type Dimension, type Rollup, rollups } from "../rollups.ts";

/** Which buckets of one rollup table are read, and for which period. Unix milliseconds; `high` is excluded. */
export interface TableRanges {
  readonly rollup: Rollup;
  readonly ranges: readonly Range[];
}

export interface Range {
  readonly period: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Covers every period with as few buckets as there can be: the coarsest table takes what lies wholly inside the period, the
 * next finer one what a boundary has split, down to quarters. Local days of Europe/Berlin are read from hours, a calendar
 * month from days with hours at its edges, days of Asia/Kathmandu from hours with quarters. Tables without one of the
 * dimensions needed are left out. A period's ranges do not overlap, and none touches another of the same table.
 *
 * @throws Error when there are fewer than 2 boundaries or more than {@link maximumBoundaries}, or when one of them is no quarter
 * hour or not after the one before.
 */
export function readPlan(boundaries: readonly number[], needed: Iterable<Dimension>): TableRanges[] {
  checkBoundaries(boundaries);
  const dimensions = [...needed];
  const plan = rollups
    .filter(({ seconds, dimensions: has }) => seconds !== null && dimensions.every((name) => has.includes(name)))
    .map((rollup) => ({ rollup, size: (rollup.seconds ?? 0) * 1000, ranges: [] as Range[] }));

  const cover = (period: number, start: number, end: number, level: number): void => {
    const table = plan[level];
    if (start >= end || table === undefined) return;
    const low = Math.ceil(start / table.size) * table.size;
    const high = Math.floor(end / table.size) * table.size;
    if (low >= high) {
      cover(period, start, end, level + 1);
      return;
    }
    cover(period, start, low, level + 1);
    table.ranges.push({ period, low, high });
    cover(period, high, end, level + 1);
  };
  for (let period = 0; period + 1 < boundaries.length; period++) {
    cover(period, boundaries[period]!, boundaries[period + 1]!, 0);
  }
  return plan.filter(({ ranges }) => ranges.length > 0).map(({ rollup, ranges }) => ({ rollup, ranges }));
}

/** Two years by the hour. */
export const maximumBoundaries = 20_000;

function checkBoundaries(boundaries: readonly number[]): void {
  const count = boundaries.length;
  if (count < 2 || count > maximumBoundaries) {
    throw new Error(`[meterbridge] [ledger] sums need from 2 to ${maximumBoundaries} boundaries, found ${count}`);
  }
  for (const [index, boundary] of boundaries.entries()) {
    if (!Number.isSafeInteger(boundary) || boundary % quarterHour !== 0) {
      const found = `boundaries[${index}] is ${boundary}`;
      throw new Error(`[meterbridge] [ledger] sums need boundaries on quarter hours, in Unix milliseconds: ${found}`);
    }
    if (index > 0 && boundary <= boundaries[index - 1]!) {
      const found = `boundaries[${index}] is ${boundary}, after ${boundaries[index - 1]!}`;
      throw new Error(`[meterbridge] [ledger] sums need boundaries in ascending order: ${found}`);
    }
  }
}

const quarterHour = 900_000;
