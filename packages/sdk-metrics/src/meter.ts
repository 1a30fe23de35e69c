import { diag, type Attributes, type MetricOptions, type Observable } from "@opentelemetry/api";
import type { InstrumentType as Type, ScopeMetrics } from "@opentelemetry/sdk-metrics";
import type { BindableMeter } from "./bindable.ts";
import { asBinding, createBinding } from "./binding.ts";
import { createCombination } from "./combination.ts";
import { createDescriptor, type InstrumentDescriptor } from "./descriptor.ts";
import type { ExemplarFilter } from "./exemplars.ts";
import { measurableOf } from "./measurement.ts";
import { createMeterStreams, type Stream } from "./meter-streams.ts";
import { createObservableCallbacks, type ObservationRun } from "./observable-callbacks.ts";
import { createObservable, isObservable, type ObservableInstrument } from "./observables.ts";
import { InstrumentType } from "./official-enums.ts";
import { createRecording, type RecordedStream, type Recording } from "./recording.ts";
import type { Refuse } from "./refusals.ts";
import type { RegisteredReader } from "./registered-reader.ts";
import type { InstrumentationScope } from "./scope.ts";
import { planStreams } from "./stream-plans.ts";
import type { View } from "./views.ts";

/** A meter with what was made of it. */
export interface RunningMeter {
  readonly meter: BindableMeter;
  /** Calls the callbacks. */
  observe(run: ObservationRun): Promise<void>;
  /** What the reader gets; undefined when there is nothing. Synchronous, so that each reader sees one state. */
  collect(run: ObservationRun, now: number): ScopeMetrics | undefined;
}

export interface MeterOptions {
  readonly scope: InstrumentationScope;
  readonly views: readonly View[];
  readonly readers: readonly RegisteredReader[];
  readonly staleAfterMillis: number;
  readonly exemplarFilter: ExemplarFilter;
  readonly refuse: Refuse;
}

export function createMeter(made: MeterOptions): RunningMeter {
  const { scope, views, readers, refuse } = made;
  const streams = createMeterStreams(made);
  const callbacks = createObservableCallbacks();

  function open(descriptor: InstrumentDescriptor): Stream[] {
    // Two views that say the same make one stream, in which a measurement counts once.
    return [...new Set(planStreams(descriptor, scope, views, readers).map((plan) => streams.open(plan)))];
  }

  function synchronous(type: Type, name: string, options: MetricOptions | undefined): Synchronous {
    const descriptor = createDescriptor(name, type, options);
    const measurable = measurableOf(descriptor, refuse);
    const recorded: RecordedStream[] = open(descriptor).flatMap(({ storage, plan }) =>
      storage === undefined ? [] : { storage, processors: plan.view?.processors ?? [] },
    );
    return {
      record: createRecording(recorded, measurable),
      bind: (attributes) => createBinding(recorded, measurable, attributes),
    };
  }

  function adding(type: Type, name: string, options?: MetricOptions): ReturnType<BindableMeter["createCounter"]> {
    const { record, bind } = synchronous(type, name, options);
    return {
      add: record,
      bind(attributes) {
        const binding = bind(attributes);
        return asBinding({ add: binding.record, end: binding.end }, binding);
      },
    };
  }

  function recording(type: Type, name: string, options?: MetricOptions): ReturnType<BindableMeter["createHistogram"]> {
    const { record, bind } = synchronous(type, name, options);
    return { record, bind };
  }

  function observable(type: Type, name: string, options?: MetricOptions): ObservableInstrument {
    const descriptor = createDescriptor(name, type, options);
    const opened = open(descriptor);
    const byReader = new Map(
      readers.map((reader) => [reader, opened.flatMap(({ observed }) => observed?.get(reader) ?? [])]),
    );
    const seriesOf: ObservableInstrument["seriesOf"] = (reader) => byReader.get(reader) ?? [];
    return createObservable({ name, callbacks, measurable: measurableOf(descriptor, refuse), seriesOf });
  }

  function ours(instruments: readonly Observable[]): ObservableInstrument[] {
    const known = instruments.filter(isObservable);
    if (known.length === 0) {
      diag.error(
        `[meterbridge] [sdk-metrics] a batch callback of meter "${scope.name}" names no observable instrument of it`,
      );
    }
    return known;
  }

  const meter: BindableMeter = {
    createCounter: (name, options) => adding(InstrumentType.COUNTER, name, options),
    createUpDownCounter: (name, options) => adding(InstrumentType.UP_DOWN_COUNTER, name, options),
    createHistogram: (name, options) => recording(InstrumentType.HISTOGRAM, name, options),
    createGauge: (name, options) => recording(InstrumentType.GAUGE, name, options),
    combine: createCombination,
    createObservableCounter: (name, options) => observable(InstrumentType.OBSERVABLE_COUNTER, name, options),
    createObservableUpDownCounter: (name, options) =>
      observable(InstrumentType.OBSERVABLE_UP_DOWN_COUNTER, name, options),
    createObservableGauge: (name, options) => observable(InstrumentType.OBSERVABLE_GAUGE, name, options),
    addBatchObservableCallback(callback, instruments) {
      const known = ours(instruments);
      if (known.length > 0) callbacks.addBatch(callback, known);
    },
    removeBatchObservableCallback(callback, instruments) {
      callbacks.removeBatch(callback, instruments.filter(isObservable));
    },
  };

  return {
    meter,
    observe: (run) => callbacks.observe(run),
    collect(run, now) {
      const metrics = streams.collect(run.reader, now, run.observations);
      return metrics.length === 0 ? undefined : { scope, metrics };
    },
  };
}

interface Synchronous {
  readonly record: Recording;
  bind(attributes?: Attributes): ReturnType<typeof createBinding>;
}
