import {
  context as contexts,
  isSpanContextValid,
  trace,
  TraceFlags,
  type Attributes,
  type Context,
  type HrTime,
} from "@opentelemetry/api";
import type { DataPoint } from "@opentelemetry/sdk-metrics";
import { cleanAttributes } from "./clean-attributes.ts";
import { toHrTime } from "./hr-time.ts";

/** One measurement among those that a data point sums up, with the trace it was made in. */
export interface Exemplar {
  readonly value: number;
  readonly timestamp: HrTime;
  /** Of the active span; none where there was no span. */
  readonly traceId?: string;
  readonly spanId?: string;
  /** What was recorded with it and is no attribute of the series: taken away by a view, or by the overflow. */
  readonly filteredAttributes: Attributes;
}

/** A data point as this provider's readers get it. Readers that do not know exemplars find nothing else changed. */
export type DataPointWithExemplars<Value> = DataPoint<Value> & { readonly exemplars?: readonly Exemplar[] };

/** Which measurements may become exemplars (specification, metrics SDK, "ExemplarFilter"). */
export type ExemplarFilter = "always_off" | "always_on" | "trace_based";

export const exemplarFilters: readonly ExemplarFilter[] = ["always_off", "always_on", "trace_based"];

/** The exemplars of one stream. */
export interface Exemplars {
  /** Keeps the measurement, if the filter lets it, in its place: the one before it there goes. */
  offer(slot: number, place: number, measurement: Measurement): void;
  /** Those of a series that came after the epoch. */
  since(slot: number, epoch: number): readonly Exemplar[];
  forget(slot: number): void;
}

export interface Measurement {
  readonly value: number;
  readonly epoch: number;
  /** As recorded. */
  readonly given: Attributes | undefined;
  /** The series'. */
  readonly kept: Attributes;
  readonly context: Context | undefined;
}

/**
 * A place for each bucket of an explicit histogram, twenty for an exponential one, one for anything else; in each the last is kept
 * (specification, metrics SDK, "Exemplar defaults", "AlignedHistogramBucketExemplarReservoir", "SimpleFixedSizeExemplarReservoir").
 * A reader is shown what came since its last collection, as if the reservoir had been emptied for it alone.
 */
export function createExemplars(filter: ExemplarFilter): Exemplars | undefined {
  if (filter === "always_off") return undefined;
  const bySlot = new Map<number, Map<number, { readonly epoch: number; readonly exemplar: Exemplar }>>();
  return {
    offer(slot, place, { value, epoch, given, kept, context = contexts.active() }) {
      const span = trace.getSpanContext(context);
      const isSampled = span !== undefined && (span.traceFlags & TraceFlags.SAMPLED) !== 0;
      if (!isSampled && filter === "trace_based") return;
      let places = bySlot.get(slot);
      if (places === undefined) bySlot.set(slot, (places = new Map()));
      const exemplar: Exemplar = {
        value,
        timestamp: toHrTime(Date.now()),
        // The ids of a span that there is none of are zeros.
        ...(span !== undefined && isSpanContextValid(span) && { traceId: span.traceId, spanId: span.spanId }),
        filteredAttributes: without(kept, given),
      };
      places.set(place, { epoch, exemplar });
    },
    since(slot, epoch) {
      const places = bySlot.get(slot)?.values() ?? [];
      return [...places].filter((each) => each.epoch > epoch).map(({ exemplar }) => exemplar);
    },
    forget(slot) {
      bySlot.delete(slot);
    },
  };
}

/** Places of a series that has no buckets to tell its measurements apart. */
export const exponentialPlaces = 20;

function without(kept: Attributes, given: Attributes | undefined): Attributes {
  const all = Object.entries(cleanAttributes(given, () => {}));
  return Object.freeze(Object.fromEntries(all.filter(([key]) => !Object.hasOwn(kept, key))));
}
