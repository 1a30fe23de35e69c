import type { Attributes } from "@opentelemetry/api";
import type { DataPoint, MetricData } from "@opentelemetry/sdk-metrics";
import { cleanAttributes } from "./clean-attributes.ts";
import type { InstrumentDescriptor } from "./descriptor.ts";
import { toHrTime } from "./hr-time.ts";
import { AggregationTemporality, DataPointType } from "./official-enums.ts";
import { processed } from "./recording.ts";
import type { RegisteredReader } from "./registered-reader.ts";
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
}

/**
 * Rows are `[collection last observed in, value]`, or a histogram's where a view says so; then each observation is one
 * measurement. A series that is not observed keeps its slot, and with it its begin and what a delta reader was given last,
 * until another needs it: should it come back, its delta is right.
 */
export function createObservedSeries(options: ObservedSeriesOptions): ObservedSeries {
  const { plan, descriptor, reader, refused, overflowed } = options;
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
  let collection = 0;
  let collectedAt = 0;
  let overflowSum = 0;

  function slotOf(attributes: Attributes): number {
    const slot = findSeries(slots.index, attributes);
    return slot >= 0 ? slot : findClean(slots.index, attributes);
  }

  function makeRoom(): void {
    for (let slot = overflowSlot + 1; slot < slots.attributes.length; slot++) {
      const at = slot * kind.stride;
      if (slots.attributes[slot] === undefined || rows[at] === collection) continue;
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
      if (slot < 0) slot = takeNewSlot(slots, attributes, makeRoom);
      if (slot === overflowSlot && !isMeasured) overflowing.set(textOf(attributes), value);
      else put(slot, value, false);
    }
    if (overflowing.size > 0) overflowed();
    for (const value of overflowing.values()) put(overflowSlot, value, true);
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
    if (previous.length < slots.attributes.length) {
      const wider = new Float64Array(slots.attributes.length * 2);
      wider.set(previous);
      previous = wider;
    }
    for (let slot = 0, at = 0; at < rows.length && slot < slots.attributes.length; slot++, at += kind.stride) {
      if (rows[at] !== collection) continue;
      const read = kind.read(rows, at);
      let value = read;
      if (slot === overflowSlot && kind.isMonotonic === true && typeof read === "number") {
        // Those in it come and go: what one takes along is no reset, and what is left did not happen again.
        const grown = Math.max(0, read - previous[slot]!);
        overflowSum += grown;
        value = isDelta ? grown : overflowSum;
        previous[slot] = read;
      } else if (isSum && typeof read === "number") {
        // A counter that fell began anew (specification, metrics data model, "Resets and gaps").
        const fell = kind.isMonotonic === true && read < previous[slot]!;
        if (fell) slots.started[slot] = collectedAt;
        if (isDelta && !fell) value = read - previous[slot]!;
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

/** Equal for equal attributes, whatever their order. */
function textOf(attributes: Attributes): string {
  return JSON.stringify(Object.entries(attributes).toSorted(([one], [other]) => (one < other ? -1 : 1)));
}
