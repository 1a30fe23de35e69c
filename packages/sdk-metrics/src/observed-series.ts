import type { Attributes } from "@opentelemetry/api";
import type { DataPoint, MetricData } from "@opentelemetry/sdk-metrics";
import { cleanAttributes } from "./clean-attributes.ts";
import type { InstrumentDescriptor } from "./descriptor.ts";
import { toHrTime } from "./hr-time.ts";
import { AggregationTemporality, DataPointType } from "./official-enums.ts";
import { processed } from "./recording.ts";
import type { RegisteredReader } from "./registered-reader.ts";
import { createRememberedSums, growthOf, textOf } from "./remembered-sums.ts";
import { findClean, findSeries } from "./series-index.ts";
import { createSeriesSlots, overflowSlot, releaseSlot, takeNewSlot } from "./series-slots.ts";
import { withRow } from "./grow-rows.ts";
import type { StreamPlan } from "./stream-plans.ts";

/** One observed value, with attributes of its own that nobody changes. */
export interface Observation {
  readonly attributes: Attributes;
  readonly value: number;
}

/** What the callbacks of one collection observed. */
export type Observations = ReadonlyMap<ObservedSeries | undefined, readonly Observation[]>;

/** A stream of an observable instrument, as one reader is shown it. */
export interface ObservedSeries {
  /** The attributes as they are when they are observed, so that a callback may use one object for all. */
  keep(attributes: Attributes | undefined): Attributes;
  /** What the reader gets of these observations: series that were not observed are not among it. */
  collect(now: number, observations: readonly Observation[]): MetricData | undefined;
}

export interface ObservedSeriesOptions {
  readonly plan: StreamPlan;
  readonly descriptor: { current: InstrumentDescriptor };
  readonly reader: RegisteredReader;
  readonly refused: () => void;
  readonly overflowed: () => void;
  /** Told of a sum that passed the largest number. */
  readonly tooLarge: () => void;
}

/**
 * Rows are `[collection last observed in, value]`, or a histogram's where a view says so; then each observation is one
 * measurement. A series that is not observed keeps its slot, and with it its begin and what a delta reader was given last,
 * until another needs it: should it come back, its delta is right.
 */
export function createObservedSeries(options: ObservedSeriesOptions): ObservedSeries {
  const { plan, descriptor, reader, refused, overflowed, tooLarge } = options;
  const kind = plan.aggregation.rows;
  const isMeasured =
    kind.dataPointType === DataPointType.HISTOGRAM || kind.dataPointType === DataPointType.EXPONENTIAL_HISTOGRAM;
  const isSum = kind.dataPointType === DataPointType.SUM;
  const temporality = reader.reader.selectAggregationTemporality(plan.descriptor.type);
  const isDelta = temporality === AggregationTemporality.DELTA;
  const processors = plan.view?.processors ?? [];
  const slots = createSeriesSlots(plan.limit);
  let rows: Float64Array = new Float64Array(0);
  let previous: Float64Array = new Float64Array(4);
  /** Of a counter that was in the overflow before it got its slot: what was counted there. */
  const bases = new Map<number, number>();
  const isCounter = isSum && kind.isMonotonic === true;
  const remembered = createRememberedSums(Math.max(10 * plan.limit, 10_000));
  let collection = 0;
  let collectedAt = 0;
  /** Of counters without a slot: what they counted since the last collection, and in all. */
  let overflowGrowth = 0;
  let overflowSum = 0;

  function slotOf(attributes: Attributes): number {
    const slot = findSeries(slots.index, attributes);
    return slot >= 0 ? slot : findClean(slots.index, attributes);
  }

  function makeRoom(): void {
    for (let slot = overflowSlot + 1; slot < slots.attributes.length; slot++) {
      const at = slot * kind.stride;
      const attributes = slots.attributes[slot];
      if (attributes === undefined || rows[at] === collection) continue;
      if (isCounter) {
        const state = { last: previous[slot]!, base: bases.get(slot) ?? 0, started: slots.started[slot]! };
        remembered.put(textOf(attributes), { ...state, collection: rows[at]! });
        bases.delete(slot);
      }
      kind.clear(rows, at);
      previous[slot] = 0;
      releaseSlot(slots, slot);
    }
  }

  function put(slot: number, value: number, isMore: boolean): void {
    rows = withRow(kind, rows, slot);
    const at = slot * kind.stride;
    if (isMeasured) kind.record(rows, at, value);
    else if (isMore && isSum && rows[at] === collection) rows[at + 1]! += value;
    else rows[at + 1] = value;
    rows[at] = collection;
  }

  /** Those that have a slot first: what is new may have one that nobody observed any more. */
  function apply(observations: readonly Observation[]): void {
    const fresh: Observation[] = [];
    for (const observation of observations) {
      const slot = slotOf(observation.attributes);
      if (slot < 0) fresh.push(observation);
      else put(slot, observation.value, false);
    }
    // In the overflow's series each attribute set counts once, with its last value.
    const overflowing = new Map<string, number>();
    for (const { attributes, value } of fresh) {
      let slot = slotOf(attributes);
      if (slot < 0) {
        slot = takeNewSlot(slots, attributes, makeRoom);
        if (slot !== overflowSlot && isCounter) recall(slot, attributes);
      }
      if (slot === overflowSlot && !isMeasured) overflowing.set(textOf(attributes), value);
      else put(slot, value, false);
    }
    if (overflowing.size > 0) overflowed();
    overflowGrowth = 0;
    for (const [text, value] of overflowing) {
      put(overflowSlot, value, true);
      if (!isCounter) continue;
      overflowGrowth += growthOf(value, remembered.take(text)?.last ?? 0);
      remembered.put(text, { last: value, base: value, started: 0, collection });
    }
    overflowSum += overflowGrowth;
    remembered.trim(collection);
  }

  /** One that was observed before goes on where it was; what was counted in the overflow stays there. */
  function recall(slot: number, attributes: Attributes): void {
    const sum = remembered.take(textOf(attributes));
    if (sum === undefined) return;
    previous = withPlaces(previous, slot + 1);
    previous[slot] = sum.last;
    bases.set(slot, sum.base);
    slots.started[slot] = sum.started === 0 ? collectedAt : sum.started;
  }

  /** Where a view takes attributes away, several observations may become one series: sums are added up then. */
  function process(observations: readonly Observation[]): readonly Observation[] {
    const lasts = new Map<string, Observation>();
    for (const observation of observations) lasts.set(textOf(observation.attributes), observation);
    const merged = new Map<string, Observation>();
    for (const { attributes: given, value } of lasts.values()) {
      const attributes = cleanAttributes(processed({ ...given }, processors, { refused }), refused);
      const text = textOf(attributes);
      const before = isSum ? (merged.get(text)?.value ?? 0) : 0;
      merged.set(text, { attributes, value: before + value });
    }
    return [...merged.values()];
  }

  function readPoints(now: number): DataPoint<unknown>[] {
    const points: DataPoint<unknown>[] = [];
    const endTime = toHrTime(now);
    previous = withPlaces(previous, slots.attributes.length);
    for (let slot = 0, at = 0; at < rows.length && slot < slots.attributes.length; slot++, at += kind.stride) {
      if (rows[at] !== collection) continue;
      const read = kind.read(rows, at, tooLarge);
      let value = read;
      if (slot === overflowSlot && isCounter) value = isDelta ? overflowGrowth : overflowSum;
      else if (isSum && typeof read === "number") {
        // A counter that fell began anew (specification, metrics data model, "Resets and gaps").
        const fell = isCounter && read < previous[slot]!;
        if (fell) {
          // Later than it began before, else a backend takes it for the same.
          slots.started[slot] = Math.max(collectedAt, slots.started[slot]! + 1);
          bases.delete(slot);
        }
        if (isDelta && !fell) value = read - previous[slot]!;
        else if (!isDelta && isCounter) value = read - (bases.get(slot) ?? 0);
        previous[slot] = read;
      }
      // As in readPoints: after the clock was put back.
      if (slots.started[slot]! > now) slots.started[slot] = now;
      const started = Math.min(Math.max(slots.started[slot]!, isDelta ? collectedAt : 0), now);
      points.push({ attributes: slots.attributes[slot]!, startTime: toHrTime(started), endTime, value });
      if (isMeasured && isDelta) kind.clear(rows, at);
    }
    return points;
  }

  return {
    keep(attributes) {
      // Processors see what the callback gave, so only without any is the series' own object as good.
      if (processors.length === 0) {
        try {
          const slot = findSeries(slots.index, attributes);
          if (slot >= 0) return slots.attributes[slot]!;
        } catch {
          // A getter or a proxy that throws: the copy is made with more care.
        }
      }
      return cleanAttributes(attributes, refused);
    },

    collect(now, observations) {
      collection++;
      apply(processors.length === 0 || isMeasured ? withoutProcessors(observations) : process(observations));
      const dataPoints = readPoints(now);
      collectedAt = now;
      if (dataPoints.length === 0) return undefined;
      return {
        descriptor: descriptor.current,
        aggregationTemporality: temporality,
        dataPointType: kind.dataPointType,
        dataPoints,
        ...(kind.isMonotonic === undefined ? {} : { isMonotonic: kind.isMonotonic }),
      } as MetricData;
    },
  };

  function withoutProcessors(observations: readonly Observation[]): readonly Observation[] {
    if (processors.length === 0) return observations;
    return observations.map(({ attributes, value }) => ({
      attributes: cleanAttributes(processed({ ...attributes }, processors, { refused }), refused),
      value,
    }));
  }
}

function withPlaces(numbers: Float64Array, wanted: number): Float64Array {
  if (numbers.length >= wanted) return numbers;
  const wider = new Float64Array(wanted * 2);
  wider.set(numbers);
  return wider;
}
