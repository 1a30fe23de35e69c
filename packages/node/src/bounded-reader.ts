import type { HrTime } from "@opentelemetry/api";
import { millisToHrTime } from "@opentelemetry/core";
import {
  AggregationTemporality,
  InstrumentType,
  type IMetricReader,
  type MetricData,
  type MetricProducer,
} from "@opentelemetry/sdk-metrics";
import { cumulativeState } from "./cumulative-state.ts";

/** What {@link boundedReader} is told. */
export interface BoundedReaderOptions {
  /** How many series (distinct attribute sets) one counter or histogram keeps, the overflow series included. At least 2. */
  readonly seriesLimit: number;
}

/**
 * Wraps a reader so that counters and histograms cannot grow for ever. Give the result to the official `MeterProvider`
 * in the reader's place.
 *
 * The official SDK never forgets a series under cumulative temporality; its cardinality limit holds within one collection
 * interval only. So this reader asks the SDK for deltas (which it does forget), keeps the cumulative values itself, and
 * hands the wrapped reader what that one selects. Of a metric with more than `seriesLimit` series, those not updated for
 * the longest time are forgotten, and a warning on `diag` says so once for each metric. A forgotten series that returns
 * starts again from 0 with a later start time, which backends treat as a reset: the sums of what they were shown stay exact.
 *
 * Untouched: what the wrapped reader selects as delta, up-down counters, gauges and observable instruments.
 */
export function boundedReader(reader: IMetricReader, options: BoundedReaderOptions): IMetricReader {
  const { seriesLimit } = options;

  function isAccumulatedHere(type: InstrumentType): boolean {
    return (
      (type === InstrumentType.COUNTER || type === InstrumentType.HISTOGRAM) &&
      reader.selectAggregationTemporality(type) === AggregationTemporality.CUMULATIVE
    );
  }

  function bounded(producer: MetricProducer): MetricProducer {
    const state = cumulativeState({ seriesLimit, accumulates });
    return {
      collect: async (collectOptions) => {
        const { resourceMetrics, errors } = await producer.collect(collectOptions);
        // No `await` from here on: of two collections at a time, each adds its deltas once and sees a whole state.
        const scopeMetrics = state.update(resourceMetrics.scopeMetrics, currentTime());
        return { resourceMetrics: { ...resourceMetrics, scopeMetrics }, errors };
      },
    };
  }

  function accumulates(metric: MetricData): boolean {
    const type = instrumentTypeOf(metric);
    return type !== undefined && isAccumulatedHere(type);
  }

  return {
    setMetricProducer: (producer) => reader.setMetricProducer(bounded(producer)),
    selectAggregation: (type) => reader.selectAggregation(type),
    selectAggregationTemporality: (type) =>
      isAccumulatedHere(type) ? AggregationTemporality.DELTA : reader.selectAggregationTemporality(type),

    // What is accumulated here gets exactly `seriesLimit` for one interval too, so that the updated series alone cannot
    // exceed it: the SDK adds up the rest in its overflow series, so sums stay exact. Elsewhere the limit is only ever
    // raised, because the SDK's overflow of observable instruments adds up wrongly.
    selectCardinalityLimit: (type) =>
      isAccumulatedHere(type)
        ? seriesLimit
        : Math.max(seriesLimit, reader.selectCardinalityLimit?.(type) ?? sdkCardinalityLimit),

    collect: (collectOptions) => reader.collect(collectOptions),
    shutdown: (shutdownOptions) => reader.shutdown(shutdownOptions),
    forceFlush: (flushOptions) => reader.forceFlush(flushOptions),
  };
}

/** What the SDK takes for a reader that does not say; older readers have no `selectCardinalityLimit`. */
const sdkCardinalityLimit = 2000;

const instrumentTypes: ReadonlySet<unknown> = new Set(Object.values(InstrumentType));

/** The SDK's descriptors name their instrument's type; the public type of a descriptor does not tell. */
function instrumentTypeOf({ descriptor }: MetricData): InstrumentType | undefined {
  return "type" in descriptor && isInstrumentType(descriptor.type) ? descriptor.type : undefined;
}

function isInstrumentType(type: unknown): type is InstrumentType {
  return instrumentTypes.has(type);
}

// The time of the snapshot, not of the collection's begin: a later snapshot never has the earlier time.
function currentTime(): HrTime {
  return millisToHrTime(Date.now());
}
