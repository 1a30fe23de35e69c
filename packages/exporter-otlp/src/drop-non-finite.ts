import { ValueType } from "@opentelemetry/api";
import {
  type DataPoint,
  DataPointType,
  type ExponentialHistogram,
  type GaugeMetricData,
  type Histogram,
  type MetricData,
  type SumMetricData,
} from "@opentelemetry/sdk-metrics";

/** A metric without the points that OTLP cannot carry, and how many those were. */
export interface KeptPoints {
  /** The very metric that was given when nothing had to change. */
  readonly metric: MetricData;
  readonly leftOut: number;
}

/**
 * Leaves out data points whose value or sum is NaN or infinite. In OTLP/JSON a single one becomes `null`, and a real
 * collector refuses the whole export for it, each time again, since a cumulative sum stays what it is.
 *
 * An integer metric with a value that int64 cannot hold is sent as a double; an infinite minimum or maximum is left away.
 */
export function dropNonFinite(metric: MetricData): KeptPoints {
  const kept = keepFinite(metric);
  return { metric: kept, leftOut: metric.dataPoints.length - kept.dataPoints.length };
}

function keepFinite(metric: MetricData): MetricData {
  if (metric.dataPointType === DataPointType.HISTOGRAM) {
    const dataPoints = keepFiniteHistograms(metric.dataPoints);
    return dataPoints === undefined ? metric : { ...metric, dataPoints };
  }
  if (metric.dataPointType === DataPointType.EXPONENTIAL_HISTOGRAM) {
    const dataPoints = keepFiniteHistograms(metric.dataPoints);
    return dataPoints === undefined ? metric : { ...metric, dataPoints };
  }
  return keepFiniteNumbers(metric);
}

function keepFiniteNumbers(metric: SumMetricData | GaugeMetricData): MetricData {
  const dataPoints = metric.dataPoints.filter(({ value }) => Number.isFinite(value));
  const isInteger = metric.descriptor.valueType === ValueType.INT;
  const fits = !isInteger || dataPoints.every(({ value }) => Number.isInteger(value) && Math.abs(value) < 2 ** 63);
  if (fits && dataPoints.length === metric.dataPoints.length) return metric;
  const descriptor = fits ? metric.descriptor : { ...metric.descriptor, valueType: ValueType.DOUBLE };
  return { ...metric, descriptor, dataPoints };
}

/** Undefined when all can stay as they are. */
function keepFiniteHistograms<Value extends Histogram | ExponentialHistogram>(
  points: readonly DataPoint<Value>[],
): DataPoint<Value>[] | undefined {
  if (points.every(({ value }) => isFiniteOrNone(value.sum) && hasFiniteEnds(value))) return undefined;
  return points
    .filter(({ value }) => isFiniteOrNone(value.sum))
    .map((point) => (hasFiniteEnds(point.value) ? point : withoutEnds(point)));
}

function hasFiniteEnds({ min, max }: Histogram | ExponentialHistogram): boolean {
  return isFiniteOrNone(min) && isFiniteOrNone(max);
}

function withoutEnds<Value extends Histogram | ExponentialHistogram>(point: DataPoint<Value>): DataPoint<Value> {
  const value = { ...point.value };
  delete value.min;
  delete value.max;
  return { ...point, value };
}

function isFiniteOrNone(value: number | undefined): boolean {
  return value === undefined || Number.isFinite(value);
}
