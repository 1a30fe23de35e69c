import { type HrTime, ValueType } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  DataPointType,
  type ExponentialHistogram,
  type Histogram,
  type MetricData,
  type ResourceMetrics,
} from "@opentelemetry/sdk-metrics";

/** Metric data by hand, for cases that a meter provider cannot be brought to give. */
export interface Description {
  readonly name: string;
  readonly unit?: string;
  readonly description?: string;
}

export type Points<Value> = readonly (readonly [attributes: object, value: Value])[];

export function counter(description: Description, points: Points<number>): MetricData {
  return { ...base(description), dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints: dataPoints(points) };
}

export function upDownCounter(description: Description, points: Points<number>): MetricData {
  return { ...base(description), dataPointType: DataPointType.SUM, isMonotonic: false, dataPoints: dataPoints(points) };
}

export function gauge(description: Description, points: Points<number>): MetricData {
  return { ...base(description), dataPointType: DataPointType.GAUGE, dataPoints: dataPoints(points) };
}

export function histogram(description: Description, points: Points<Histogram>): MetricData {
  return { ...base(description), dataPointType: DataPointType.HISTOGRAM, dataPoints: dataPoints(points) };
}

export function exponentialHistogram(description: Description, points: Points<ExponentialHistogram>): MetricData {
  return {
    ...base(description),
    dataPointType: DataPointType.EXPONENTIAL_HISTOGRAM,
    dataPoints: dataPoints(points),
  };
}

/** The values of an explicit histogram as recorded one by one. */
export function recorded(boundaries: number[], values: readonly number[]): Histogram {
  const counts = Array.from({ length: boundaries.length + 1 }, () => 0);
  for (const value of values) {
    const bucket = boundaries.findIndex((bound) => value <= bound);
    const place = bucket === -1 ? boundaries.length : bucket;
    counts[place] = (counts[place] ?? 0) + 1;
  }
  const sum = values.reduce((total, value) => total + value, 0);
  return { buckets: { boundaries, counts }, sum, count: values.length };
}

export function collected(metrics: readonly MetricData[], resource: object = {}, scopeName = "test"): ResourceMetrics {
  return scopes([[scopeName, metrics]], resource);
}

export function scopes(
  given: readonly (readonly [name: string, metrics: readonly MetricData[]])[],
  resource: object = {},
): ResourceMetrics {
  return {
    resource: resourceFromAttributes({ ...resource }),
    scopeMetrics: given.map(([name, metrics]) => ({ scope: { name, version: "1.2.3" }, metrics: [...metrics] })),
  };
}

function base({
  name,
  unit = "",
  description = "",
}: Description): Pick<MetricData, "descriptor" | "aggregationTemporality"> {
  return {
    descriptor: { name, unit, description, valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
}

const time: HrTime = [1_700_000_000, 0];

function dataPoints<Value>(
  points: Points<Value>,
): { startTime: HrTime; endTime: HrTime; attributes: {}; value: Value }[] {
  return points.map(([attributes, value]) => ({ startTime: time, endTime: time, attributes, value }));
}
