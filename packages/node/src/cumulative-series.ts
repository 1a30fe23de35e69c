import type { Attributes, HrTime } from "@opentelemetry/api";
import type { DataPoint } from "@opentelemetry/sdk-metrics";
import { attributesKey } from "./attributes-key.ts";

/** The cumulative values of one metric by their attributes: `seriesLimit` of them, or more when more are updated at once. */
export interface CumulativeSeries<Value> {
  /** Adds the deltas of one collection. */
  add(deltas: readonly DataPoint<Value>[]): void;

  /**
   * Ends the collection: forgets the series beyond the limit, those not updated for the longest time first and those of
   * this collection never, and returns the others. `forgotten` says how many went.
   */
  read(endTime: HrTime): { readonly dataPoints: DataPoint<Value>[]; readonly forgotten: number };
}

/** No series yet. `merge` adds a delta to a total and changes neither. */
export function cumulativeSeries<Value>(options: {
  readonly seriesLimit: number;
  readonly merge: (total: Value, delta: Value) => Value;
}): CumulativeSeries<Value> {
  const allSeries = new Map<string, Series<Value>>();
  let collection = 0;
  let forgottenUntil: HrTime = [0, 0];

  function forgetOldest(endTime: HrTime): number {
    const excess = allSeries.size - options.seriesLimit;
    if (excess <= 0) return 0;
    const forgotten = [...allSeries]
      .filter(([, series]) => series.updatedIn < collection)
      .toSorted(([, left], [, right]) => left.updatedIn - right.updatedIn)
      .slice(0, excess);
    for (const [key] of forgotten) allSeries.delete(key);
    if (forgotten.length > 0) forgottenUntil = endTime;
    return forgotten.length;
  }

  return {
    add(deltas) {
      for (const delta of deltas) {
        const key = attributesKey(delta.attributes);
        const series = allSeries.get(key);
        if (series === undefined) {
          allSeries.set(key, firstOf(delta, { updatedIn: collection, notBefore: forgottenUntil }));
        } else {
          series.value = options.merge(series.value, delta.value);
          series.updatedIn = collection;
        }
      }
    },

    read(endTime) {
      const forgotten = forgetOldest(endTime);
      collection += 1;
      const dataPoints: DataPoint<Value>[] = [];
      for (const { attributes, startTime, value } of allSeries.values()) {
        dataPoints.push({ attributes, startTime, endTime, value });
      }
      return { dataPoints, forgotten };
    },
  };
}

/** Values are replaced, never changed: a reader may still be exporting the old one. */
interface Series<Value> {
  readonly attributes: Attributes;
  readonly startTime: HrTime;
  value: Value;
  /** The number of the collection that brought the last delta. */
  updatedIn: number;
}

/**
 * `notBefore` keeps a series that returns from overlapping the time it was last reported for: where readers share the
 * storage of a view, the SDK gives one reader's delta the time of another reader's last collection as its start.
 */
function firstOf<Value>(
  { attributes, startTime, value }: DataPoint<Value>,
  { updatedIn, notBefore }: { updatedIn: number; notBefore: HrTime },
): Series<Value> {
  return {
    attributes: unchanging(attributes),
    startTime: later(startTime, notBefore),
    value,
    updatedIn,
  };
}

/** The application owns the object: changed later, it would change the labels of this series. */
function unchanging(attributes: Attributes): Attributes {
  if (Object.isFrozen(attributes)) return attributes;
  try {
    return { ...attributes };
  } catch {
    // A getter throws by now. Exporters read attributes one by one and show what can be read.
    return attributes;
  }
}

function later(left: HrTime, right: HrTime): HrTime {
  return left[0] > right[0] || (left[0] === right[0] && left[1] >= right[1]) ? left : right;
}
