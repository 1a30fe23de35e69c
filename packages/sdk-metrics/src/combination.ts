import type { BoundCounter, BoundRecorder, CombinedRecording, CombinedSeries } from "./bindable.ts";
import { bindAgain, targetsOf, type BoundTarget } from "./binding.ts";
import { recordInBucket } from "./histogram-rows.ts";
import { bucketOf } from "./bucket-of.ts";
import { DataPointType } from "./official-enums.ts";
import { recordAt } from "./recording.ts";

/** One stream of one of the series. */
interface Part {
  /** Where its value stands. */
  readonly position: number;
  readonly target: BoundTarget;
  readonly isSum: boolean;
  /** Of a histogram with explicit buckets. */
  readonly bounds: Float64Array | undefined;
  /** Whether the part before has the same value and bounds, so that its bucket is this one's. */
  readonly sharesBucket: boolean;
}

/** Series whose values are not simply written into a row: whole numbers, exemplars, series of another library. */
interface Call {
  readonly position: number;
  readonly record: (value: number) => void;
}

/** One function that records into all these series, from one list of values. */
export function createCombination(members: readonly CombinedSeries[]): CombinedRecording {
  const calls: Call[] = [];
  const targets: { readonly position: number; readonly target: BoundTarget }[] = [];
  for (const { series, position } of members) {
    const found = targetsOf(series);
    if (found === undefined) calls.push({ position, record: recordOf(series) });
    else for (const target of found) targets.push({ position, target });
  }
  const parts = toParts(targets);
  const record = createPartsRecording(parts);
  if (calls.length === 0) return record;
  return (given) => {
    const values = given.slice();
    record(values);
    for (const call of calls) {
      const value = values[call.position]!;
      if (!Number.isNaN(value)) call.record(value);
    }
  };
}

function createPartsRecording(parts: readonly Part[]): CombinedRecording {
  return (given) => {
    let values = given;
    let bucket = 0;
    for (let at = 0; at < parts.length; at++) {
      const { position, target, isSum, bounds, sharesBucket } = parts[at]!;
      const value = values[position]!;
      const { storage, series, lowest, highest } = target;
      if (value >= lowest && value <= highest) {
        let { slot } = series;
        if (slot < 0) {
          // What is told of an overflow may record in its turn, into the same list.
          if (values === given) values = given.slice();
          slot = bindAgain(storage, series);
        }
        const { rows } = storage;
        if (isSum) {
          rows[slot * 2] = storage.epoch;
          rows[slot * 2 + 1]! += value;
        } else if (bounds === undefined) recordAt(storage, slot, value);
        else {
          if (!sharesBucket) bucket = bucketOf(bounds, value);
          const row = slot * (bounds.length + 5);
          rows[row] = storage.epoch;
          recordInBucket(rows, row, value, bucket);
        }
      } else if (!Number.isNaN(value)) {
        if (values === given) values = given.slice();
        target.refuse(value);
      }
    }
  };
}

/** In an order in which histograms that have their value and bounds in common follow each other. */
function toParts(targets: readonly { readonly position: number; readonly target: BoundTarget }[]): Part[] {
  const keyed = targets.map(({ position, target }) => {
    const { kind } = target.storage;
    const bounds = kind.dataPointType === DataPointType.HISTOGRAM ? kind.bounds : undefined;
    return { position, target, bounds, key: `${position} ${bounds?.join(" ") ?? ""}` };
  });
  const ordered = keyed.toSorted((one, other) => (one.key < other.key ? -1 : Number(one.key > other.key)));
  return ordered.map(({ position, target, bounds, key }, at) => ({
    position,
    target,
    isSum: target.storage.kind.dataPointType === DataPointType.SUM,
    bounds,
    sharesBucket: bounds !== undefined && ordered[at - 1]?.key === key,
  }));
}

function recordOf(series: BoundCounter | BoundRecorder): (value: number) => void {
  return "add" in series ? (value) => series.add(value) : (value) => series.record(value);
}
