import type { BoundCounter, BoundRecorder, CombinedRecording, CombinedSeries } from "./bindable.ts";
import { bindAgain, targetsOf, type BoundTarget } from "./binding.ts";
import { bucketOf, type Buckets } from "./bucket-of.ts";
import { recordInBucket } from "./histogram-rows.ts";
import { DataPointType } from "./official-enums.ts";
import { recordAt } from "./recording.ts";
import type { BoundSeries, SeriesStorage } from "./series-storage.ts";

/** One stream of one of the series. */
interface Part {
  /** Where its value stands. */
  readonly position: number;
  readonly storage: SeriesStorage;
  readonly series: BoundSeries;
  readonly isSum: boolean;
  /** Of a histogram with explicit buckets. */
  readonly buckets: Buckets | undefined;
  /** Whether the part before has the same value and bounds, so that its bucket is this one's. */
  readonly sharesBucket: boolean;
  readonly refuse: (value: unknown) => void;
}

/** A series whose values are not simply written into a row. */
interface Call {
  readonly position: number;
  readonly record: (value: number) => void;
}

/** One function that records into all these series, from one list of values. */
export function createCombination(members: readonly CombinedSeries[]): CombinedRecording {
  const calls: Call[] = [];
  const targets: PlacedTarget[] = [];
  for (const { series, position } of members.toSorted((one, other) => one.position - other.position)) {
    const found = targetsOf(series);
    // A value below zero, which few take, is looked at by the series itself.
    if (found === undefined || found.some(({ lowest }) => lowest < 0))
      calls.push({ position, record: recordOf(series) });
    else for (const target of found) targets.push({ position, target });
  }
  const record = createPartsRecording(toParts(targets));
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
      const part = parts[at]!;
      const value = values[part.position]!;
      if (value >= 0 && value <= Number.MAX_VALUE) {
        const { storage, series, buckets } = part;
        let { slot } = series;
        if (slot < 0) {
          // What is told of an overflow may record in its turn, into the same list.
          if (values === given) values = given.slice();
          slot = bindAgain(storage, series);
        }
        const { rows } = storage;
        if (part.isSum) {
          rows[slot * 2] = storage.epoch;
          rows[slot * 2 + 1]! += value;
        } else if (buckets === undefined) recordAt(storage, slot, value);
        else {
          if (!part.sharesBucket) bucket = bucketOf(buckets, value);
          const row = slot * (buckets.bounds.length + 4);
          rows[row] = storage.epoch;
          recordInBucket(rows, row, value, bucket);
        }
      } else if (!Number.isNaN(value)) {
        if (values === given) values = given.slice();
        part.refuse(value);
      }
    }
  };
}

interface PlacedTarget {
  readonly position: number;
  readonly target: BoundTarget;
}

/** In an order in which histograms that have their value and bounds in common follow each other. */
function toParts(targets: readonly PlacedTarget[]): Part[] {
  const keyed = targets.map(({ position, target }) => {
    const { buckets } = target.storage.kind;
    return { position, target, buckets, key: `${position} ${buckets?.bounds.join(" ") ?? ""}` };
  });
  const ordered = keyed.toSorted(
    (one, other) => one.position - other.position || (one.key < other.key ? -1 : Number(one.key > other.key)),
  );
  return ordered.map(({ position, target: { storage, series, refuse }, buckets, key }, at) => ({
    position,
    storage,
    series,
    isSum: storage.kind.dataPointType === DataPointType.SUM,
    buckets,
    sharesBucket: buckets !== undefined && ordered[at - 1]?.key === key,
    refuse,
  }));
}

function recordOf(series: BoundCounter | BoundRecorder): (value: number) => void {
  return "add" in series ? (value) => series.add(value) : (value) => series.record(value);
}
