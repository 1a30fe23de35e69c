import type { AggregationOption } from "@opentelemetry/sdk-metrics";
import { allowsNegative, type InstrumentDescriptor } from "./descriptor.ts";
import { exponentialRows } from "./exponential-rows.ts";
import { histogramRows } from "./histogram-rows.ts";
import { AggregationType, InstrumentType } from "./official-enums.ts";
import type { RowKind } from "./row-kind.ts";
import { lastValueRows, sumRows } from "./value-rows.ts";

/** What is kept of a stream's measurements. */
export interface Aggregation {
  readonly rows: RowKind;
  /** Equal for equal aggregations. */
  readonly identity: string;
}

/**
 * The aggregation of an instrument's stream; undefined when it is dropped. The default depends on the instrument
 * (specification, metrics SDK, "Default Aggregation").
 *
 * @throws Error for an option that is none, as the official SDK does.
 */
export function createAggregation(
  option: AggregationOption,
  descriptor: InstrumentDescriptor,
): Aggregation | undefined {
  const negative = allowsNegative(descriptor.type);
  switch (option.type) {
    case AggregationType.DROP:
      return undefined;
    case AggregationType.DEFAULT:
      return createDefault(descriptor);
    case AggregationType.SUM:
      return { rows: sumRows(!negative), identity: "sum" };
    case AggregationType.LAST_VALUE:
      return { rows: lastValueRows, identity: "last value" };
    case AggregationType.EXPLICIT_BUCKET_HISTOGRAM: {
      const { boundaries, recordMinMax } = option.options ?? { boundaries: defaultBoundaries };
      return createHistogram(boundaries, recordMinMax ?? true, negative);
    }
    case AggregationType.EXPONENTIAL_HISTOGRAM: {
      const maxSize = Math.max(2, option.options?.maxSize ?? 160);
      const recordMinMax = option.options?.recordMinMax ?? true;
      const rows = exponentialRows({ maxSize, recordMinMax, negative });
      return { rows, identity: JSON.stringify(["exponential", maxSize, recordMinMax]) };
    }
    default:
      throw new Error(
        `[meterbridge] [sdk-metrics] aggregation ${JSON.stringify(option)} is not supported: its type must be an AggregationType`,
      );
  }
}

function createDefault(descriptor: InstrumentDescriptor): Aggregation {
  switch (descriptor.type) {
    case InstrumentType.HISTOGRAM:
      return createHistogram(descriptor.advice.explicitBucketBoundaries ?? defaultBoundaries, true, false);
    case InstrumentType.GAUGE:
    case InstrumentType.OBSERVABLE_GAUGE:
      return { rows: lastValueRows, identity: "last value" };
    default:
      return { rows: sumRows(!allowsNegative(descriptor.type)), identity: "sum" };
  }
}

function createHistogram(given: readonly number[], recordMinMax: boolean, negative: boolean): Aggregation {
  if (!Array.isArray(given)) {
    throw new Error(
      `[meterbridge] [sdk-metrics] the boundaries of an explicit bucket histogram must be a list of numbers, found ${typeof given}`,
    );
  }
  // The last bucket reaches to infinity by itself.
  const boundaries = given.filter((boundary) => Number.isFinite(boundary)).toSorted((one, other) => one - other);
  const rows = histogramRows({ boundaries, recordMinMax, negative });
  return { rows, identity: JSON.stringify(["explicit", boundaries, recordMinMax]) };
}

// Specification, metrics SDK, "Explicit Bucket Histogram Aggregation".
const defaultBoundaries: readonly number[] = [0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10_000];
