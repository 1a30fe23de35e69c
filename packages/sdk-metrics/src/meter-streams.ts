import { diag } from "@opentelemetry/api";
import type { MetricData } from "@opentelemetry/sdk-metrics";
import type { InstrumentDescriptor } from "./descriptor.ts";
import type { ExemplarFilter } from "./exemplars.ts";
import { createObservedSeries, type Observations, type ObservedSeries } from "./observed-series.ts";
import type { Refuse } from "./refusals.ts";
import type { RegisteredReader } from "./registered-reader.ts";
import { collectSeries, createSeriesStorage, type SeriesStorage } from "./series-storage.ts";
import type { StreamPlan } from "./stream-plans.ts";

/** A stream of a meter: what is recorded into it, or observed for it. */
export interface Stream {
  readonly plan: StreamPlan;
  readonly descriptor: { current: InstrumentDescriptor };
  /** Of a synchronous instrument. */
  readonly storage?: SeriesStorage;
  /** Of an observable one, for each reader: callbacks are called for each reader's collection. */
  readonly observed?: ReadonlyMap<RegisteredReader, ObservedSeries>;
}

/** The streams of one meter. */
export interface MeterStreams {
  /** The stream of the plan, shared with instruments that mean the same. */
  open(plan: StreamPlan): Stream;
  /** Makes what the reader gets of streams that are recorded into, and of those observed in this collection. */
  collect(reader: RegisteredReader, now: number, observations: Observations): MetricData[];
}

export interface MeterStreamsOptions {
  readonly refuse: Refuse;
  readonly staleAfterMillis: number;
  readonly exemplarFilter: ExemplarFilter;
}

export function createMeterStreams({ refuse, staleAfterMillis, exemplarFilter }: MeterStreamsOptions): MeterStreams {
  const streams = new Map<string, Stream[]>();
  const warned = new Set<string>();

  function warnOnce(message: string): void {
    if (warned.has(message)) return;
    warned.add(message);
    diag.warn(`[meterbridge] [sdk-metrics] ${message}`);
  }

  function create(plan: StreamPlan): Stream {
    const { name, type } = plan.descriptor;
    const descriptor = { current: plan.descriptor };
    const refused = (): void => refuse(name, "attribute_value");
    const tooLarge = (): void => refuse(name, "sum_too_large");
    const overflowed = (): void =>
      warnOnce(
        `"${name}" reached its limit of ${plan.limit} series: further ones are added up under otel.metric.overflow=true; ` +
          `raise the reader's cardinality limit, set aggregationCardinalityLimit in a view, or record fewer attribute values`,
      );
    if (type.startsWith("OBSERVABLE_")) {
      const make = (reader: RegisteredReader): ObservedSeries =>
        createObservedSeries({ plan, descriptor, reader, refused, overflowed, tooLarge });
      return { plan, descriptor, observed: new Map(plan.readers.map((reader) => [reader, make(reader)])) };
    }
    const storage = createSeriesStorage({
      ...plan,
      descriptor,
      staleAfterMillis,
      exemplarFilter,
      refused,
      overflowed,
      tooLarge,
    });
    return { plan, descriptor, storage };
  }

  /** Specification, metrics SDK, "Duplicate instrument registration": the same is one; what differs stays apart, and is told. */
  function open(plan: StreamPlan): Stream {
    const key = plan.descriptor.name.toLowerCase();
    const named = streams.get(key) ?? [];
    streams.set(key, named);
    for (const stream of named) {
      const before = stream.descriptor.current;
      if (!isSame(stream, plan)) {
        if (sharesReader(stream.plan, plan)) warnOnce(explainConflict(before, plan));
        continue;
      }
      if (before.description !== plan.descriptor.description) {
        warnOnce(`"${before.name}" was made with two descriptions, the longer one is used`);
        if (plan.descriptor.description.length > before.description.length) {
          stream.descriptor.current = { ...before, description: plan.descriptor.description };
        }
      }
      return stream;
    }
    const stream = create(plan);
    named.push(stream);
    return stream;
  }

  return {
    open,
    collect(reader, now, observations) {
      const metrics: MetricData[] = [];
      for (const stream of [...streams.values()].flat()) {
        const observed = stream.observed?.get(reader);
        const metric =
          stream.storage === undefined
            ? observed?.collect(now, observations.get(observed) ?? [])
            : collectSeries(stream.storage, reader, now);
        if (metric !== undefined) metrics.push(metric);
      }
      return metrics;
    },
  };
}

function isSame({ plan, descriptor }: Stream, other: StreamPlan): boolean {
  const { unit, type, valueType } = descriptor.current;
  const wanted = other.descriptor;
  if (unit !== wanted.unit || type !== wanted.type || valueType !== wanted.valueType) return false;
  if (!isSameList(plan.readers, other.readers)) return false;
  // Of two instruments that differ in their advice alone, the first one's holds.
  if (plan.view === other.view) return true;
  return (
    plan.aggregation.identity === other.aggregation.identity &&
    plan.limit === other.limit &&
    isSameList(plan.view?.processors ?? [], other.view?.processors ?? [])
  );
}

function isSameList(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length && one.every((each, at) => each === other[at]);
}

function sharesReader(one: StreamPlan, other: StreamPlan): boolean {
  return one.readers.some((reader) => other.readers.includes(reader));
}

function explainConflict(before: InstrumentDescriptor, { descriptor }: StreamPlan): string {
  const differences = (["type", "unit", "valueType"] as const)
    .filter((property) => before[property] !== descriptor[property])
    .map((property) => `${property} "${before[property]}" and "${descriptor[property]}"`);
  const what = differences.length === 0 ? "views that aggregate it differently" : differences.join(", ");
  return `"${before.name}" is made twice, with ${what}: both are exported under one name; rename one, by a view for instance`;
}
