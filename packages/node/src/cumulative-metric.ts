import { diag, type HrTime } from "@opentelemetry/api";
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type ExponentialHistogramMetricData,
  type GaugeMetricData,
  type HistogramMetricData,
  type MetricData,
  type SumMetricData,
} from "@opentelemetry/sdk-metrics";
import { cumulativeSeries } from "./cumulative-series.ts";
import { mergeExponentialHistograms, mergeHistograms } from "./point-values.ts";

/** One metric whose deltas are added up. */
export interface CumulativeMetric {
  /** Adds the deltas of one collection. They must be of the type that the metric began with. */
  add(deltas: MetricData): void;

  /** Ends the collection: forgets the series beyond the limit, with a warning the first time, and returns the others. */
  read(endTime: HrTime): MetricData;
}

/** A metric that begins with these deltas. `meterName` is for the warning. */
export function cumulativeMetric(
  deltas: MetricData,
  options: { readonly seriesLimit: number; readonly meterName: string },
): CumulativeMetric {
  if (isSum(deltas)) return metricOf(deltas, { ...options, isOwn: isSum, merge: addNumbers });
  if (isGauge(deltas)) return metricOf(deltas, { ...options, isOwn: isGauge, merge: takeLatest });
  if (isHistogram(deltas)) return metricOf(deltas, { ...options, isOwn: isHistogram, merge: mergeHistograms });
  return metricOf(deltas, { ...options, isOwn: isExponentialHistogram, merge: mergeExponentialHistograms });
}

function metricOf<Value, Data extends MetricData & { dataPoints: DataPoint<Value>[] }>(
  first: Data,
  options: {
    readonly seriesLimit: number;
    readonly meterName: string;
    readonly isOwn: (metric: MetricData) => metric is Data;
    readonly merge: (total: Value, delta: Value) => Value;
  },
): CumulativeMetric {
  const { seriesLimit, meterName, isOwn, merge } = options;
  const series = cumulativeSeries({ seriesLimit, merge });
  // The SDK may come to know a longer description; the last one counts.
  let latest = first;
  let isTold = false;
  series.add(first.dataPoints);

  return {
    add(deltas) {
      if (!isOwn(deltas)) return;
      latest = deltas;
      series.add(deltas.dataPoints);
    },

    read(endTime) {
      const { dataPoints, forgotten } = series.read(endTime);
      if (forgotten > 0 && !isTold) {
        isTold = true;
        diag.warn(
          `[meterbridge] metric "${latest.descriptor.name}" of meter "${meterName}" has more than ${seriesLimit} series: ` +
            `the ${forgotten} updated least recently were forgotten and start again from 0 if they return. ` +
            `Record fewer distinct attribute values, or raise the series limit. (Told once for each metric.)`,
        );
      }
      const total = { ...latest, aggregationTemporality: AggregationTemporality.CUMULATIVE, dataPoints };
      return total;
    },
  };
}

function addNumbers(total: number, delta: number): number {
  return total + delta;
}

/** A view can make a gauge of a counter. */
function takeLatest(_total: number, delta: number): number {
  return delta;
}

function isSum(metric: MetricData): metric is SumMetricData {
  return metric.dataPointType === DataPointType.SUM;
}

function isGauge(metric: MetricData): metric is GaugeMetricData {
  return metric.dataPointType === DataPointType.GAUGE;
}

function isHistogram(metric: MetricData): metric is HistogramMetricData {
  return metric.dataPointType === DataPointType.HISTOGRAM;
}

function isExponentialHistogram(metric: MetricData): metric is ExponentialHistogramMetricData {
  return metric.dataPointType === DataPointType.EXPONENTIAL_HISTOGRAM;
}
