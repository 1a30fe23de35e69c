import type { HrTime } from "@opentelemetry/api";
import { type DataPoint, DataPointType, type ExponentialHistogram, type Histogram } from "@opentelemetry/sdk-metrics";
import type { WithExemplars } from "./exemplars.ts";
import { addExponential } from "./exponential-sum.ts";
import type { Family } from "./families.ts";
import { addBuckets, type Buckets, explicitBuckets, exponentialBuckets } from "./histogram-buckets.ts";
import type { SeriesPlan } from "./series-plan.ts";

export type HistogramValue = Histogram | ExponentialHistogram;

/** What one series shows. */
export interface SeriesPoint<Value> extends WithExemplars {
  readonly value: Value;
  readonly startTime: HrTime;
}

/** The points of a counter, up-down counter or gauge family by series. Points of one series add up; of gauges, the last one counts. */
export function* numberPoints(
  family: Family,
  { seriesOf }: SeriesPlan,
  onWarning: (message: string) => void,
): Generator<void, readonly SeriesPoint<number>[]> {
  const points = family.members.flatMap(({ metric }) =>
    metric.dataPointType === DataPointType.SUM || metric.dataPointType === DataPointType.GAUGE
      ? [metric.dataPoints]
      : [],
  );
  if (family.kind !== "gauge") return yield* bySeries(points, seriesOf, (left, right) => left + right);
  if (seriesOf !== undefined) {
    onWarning(
      `two series of gauge "${family.name}" have the same labels, and the last one is shown: ` +
        "give them different attributes, or set withScopeInfo",
    );
  }
  return yield* bySeries(points, seriesOf, (_, right) => right);
}

/** The points of a histogram family by series. Points of one series add up. */
export function* histogramPoints(
  family: Family,
  { seriesOf }: SeriesPlan,
): Generator<void, readonly SeriesPoint<HistogramValue>[]> {
  const points = family.members.map(({ metric }) => metric.dataPoints as DataPoint<HistogramValue>[]);
  return yield* bySeries(points, seriesOf, addHistograms);
}

export function isExponential(value: HistogramValue): value is ExponentialHistogram {
  return "scale" in value;
}

/** A histogram in explicit buckets, whatever it was kept in. */
export function bucketsOf(value: HistogramValue): Buckets {
  return isExponential(value) ? exponentialBuckets(value) : explicitBuckets(value);
}

/** Adds two histograms, exactly: where their bounds differ, at those that both have. */
export function addHistograms(left: HistogramValue, right: HistogramValue): HistogramValue {
  if (isExponential(left) && isExponential(right)) return addExponential(left, right);
  const { bounds, counts, count, sum } = addBuckets(bucketsOf(left), bucketsOf(right));
  return { buckets: { boundaries: [...bounds], counts: [...counts] }, count, sum } as Histogram;
}

function* bySeries<Value>(
  points: readonly (readonly DataPoint<Value>[])[],
  seriesOf: Uint32Array | undefined,
  add: (left: Value, right: Value) => Value,
): Generator<void, readonly SeriesPoint<Value>[]> {
  if (seriesOf === undefined) return points.length === 1 ? points[0]! : points.flat();
  const merged: SeriesPoint<Value>[] = [];
  let place = 0;
  for (const list of points) {
    for (const point of list) {
      const series = seriesOf[place++]!;
      const present = merged[series];
      merged[series] = present === undefined ? point : merge(present, point, add);
      if (place % 256 === 0) yield;
    }
  }
  return merged;
}

function merge<Value>(
  left: SeriesPoint<Value>,
  right: SeriesPoint<Value>,
  add: (left: Value, right: Value) => Value,
): SeriesPoint<Value> {
  const isEarlier =
    left.startTime[0] < right.startTime[0] ||
    (left.startTime[0] === right.startTime[0] && left.startTime[1] <= right.startTime[1]);
  const exemplars = [...(left.exemplars ?? []), ...(right.exemplars ?? [])];
  return {
    value: add(left.value, right.value),
    startTime: isEarlier ? left.startTime : right.startTime,
    ...(exemplars.length === 0 ? {} : { exemplars }),
  };
}
