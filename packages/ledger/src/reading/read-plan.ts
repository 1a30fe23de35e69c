import { type Dimension, type Rollup, rollups } from "../rollups.ts";

/** Which buckets of one rollup table are read. */
export interface TablePieces {
  readonly rollup: Rollup;
  readonly pieces: readonly PlanPiece[];
}

/** A range of buckets, in Unix milliseconds, `high` excluded; and the periods it is added to, or taken from. */
export interface PlanPiece {
  readonly low: number;
  readonly high: number;
  readonly effects: readonly PlanEffect[];
}

export interface PlanEffect {
  readonly period: number;
  readonly sign: 1 | -1;
}

/**
 * Covers every period with few buckets: the coarsest table has what lies between the buckets' bounds that are nearest to the
 * period's; finer ones add what is missing at its ends and take away what is too much, which is exact, since sums are integers. So
 * a local day of Europe/Berlin is a day of UTC, with the hours before it and without its last ones, and the same hours end the day
 * before. Of tables of one bucket size the narrowest is read that has the dimensions needed.
 *
 * @throws Error when there are fewer than 2 boundaries or more than {@link maximumBoundaries}, or when one of them is no quarter
 * hour or not after the one before.
 */
export function readPlan(boundaries: readonly number[], needed: Iterable<Dimension>): TablePieces[] {
  checkBoundaries(boundaries);
  const plan = tablesFor([...needed]).map((rollup) => ({
    rollup,
    size: (rollup.seconds ?? 0) * 1000,
    pieces: new Map<string, { low: number; high: number; effects: PlanEffect[] }>(),
  }));

  const cover = (period: number, start: number, end: number, level: number, sign: 1 | -1): void => {
    const table = plan[level];
    if (start === end || table === undefined) return;
    // What is before its begin is taken away instead.
    if (start > end) return cover(period, end, start, level, sign === 1 ? -1 : 1);
    const low = Math.round(start / table.size) * table.size;
    const high = Math.round(end / table.size) * table.size;
    const ends = Math.abs(low - start) + Math.abs(high - end);
    if (low >= high || ends >= end - start) return cover(period, start, end, level + 1, sign);
    const key = `${low} ${high}`;
    const piece = table.pieces.get(key) ?? { low, high, effects: [] };
    table.pieces.set(key, piece);
    piece.effects.push({ period, sign });
    cover(period, start, low, level + 1, sign);
    cover(period, high, end, level + 1, sign);
  };
  for (let period = 0; period + 1 < boundaries.length; period++) {
    cover(period, boundaries[period]!, boundaries[period + 1]!, 0, 1);
  }
  return plan
    .filter(({ pieces }) => pieces.size > 0)
    .map(({ rollup, pieces }) => ({ rollup, pieces: [...pieces.values()] }));
}

/** A table for each bucket size, coarse to fine. */
function tablesFor(needed: readonly Dimension[]): Rollup[] {
  const able = rollups.filter(
    ({ seconds, dimensions: has }) => seconds !== null && needed.every((name) => has.includes(name)),
  );
  // They are listed narrowest first.
  return able.filter(({ seconds }, index) => able.findIndex((other) => other.seconds === seconds) === index);
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
