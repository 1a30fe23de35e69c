import type {
  AggregationTemporality as Temporality,
  AggregationType as Aggregation,
  DataPointType as PointType,
  InstrumentType as Instrument,
} from "@opentelemetry/sdk-metrics";

// The values of the official SDK's enums: importing them would load that SDK. A test holds both together.
// oxlint-disable typescript/no-unsafe-enum-assignment

export const InstrumentType: typeof Instrument = {
  COUNTER: "COUNTER",
  GAUGE: "GAUGE",
  HISTOGRAM: "HISTOGRAM",
  UP_DOWN_COUNTER: "UP_DOWN_COUNTER",
  OBSERVABLE_COUNTER: "OBSERVABLE_COUNTER",
  OBSERVABLE_GAUGE: "OBSERVABLE_GAUGE",
  OBSERVABLE_UP_DOWN_COUNTER: "OBSERVABLE_UP_DOWN_COUNTER",
} as unknown as typeof Instrument;

export const AggregationTemporality: typeof Temporality = {
  DELTA: 0,
  CUMULATIVE: 1,
};

export const AggregationType: typeof Aggregation = {
  DEFAULT: 0,
  DROP: 1,
  SUM: 2,
  LAST_VALUE: 3,
  EXPLICIT_BUCKET_HISTOGRAM: 4,
  EXPONENTIAL_HISTOGRAM: 5,
};

export const DataPointType: typeof PointType = {
  HISTOGRAM: 0,
  EXPONENTIAL_HISTOGRAM: 1,
  GAUGE: 2,
  SUM: 3,
};
