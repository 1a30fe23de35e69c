import type { Attributes } from "@opentelemetry/api";
import {
  AggregationTemporality,
  DataPointType,
  type ExponentialHistogram,
  type Histogram,
  type MetricData,
  type ResourceMetrics,
} from "@opentelemetry/sdk-metrics";

/** One line of DogStatsD. */
export interface Statistic {
  readonly kind: "increment" | "gauge";
  readonly name: string;
  readonly value: number;
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * Sums of deltas are counts, what stands is a gauge, and a histogram is counts of its values, their sum and its buckets, each with its bounds as
 * tags: the form in which Datadog's own translation sends histograms as counters (docs.datadoghq.com, "OTLP Metrics Types"). What is not
 * finite is left out.
 */
export function toStatistics({ scopeMetrics }: ResourceMetrics): readonly Statistic[] {
  return scopeMetrics.flatMap(({ metrics }) => metrics.flatMap(ofMetric)).filter(({ value }) => Number.isFinite(value));
}

function ofMetric(metric: MetricData): Statistic[] {
  const { name } = metric.descriptor;
  switch (metric.dataPointType) {
    case DataPointType.HISTOGRAM:
      return metric.dataPoints.flatMap(({ attributes, value }) => [
        ...totals(name, attributes, value),
        ...buckets(name, attributes, value),
      ]);
    case DataPointType.EXPONENTIAL_HISTOGRAM:
      return metric.dataPoints.flatMap(({ attributes, value }) => totals(name, attributes, value));
    default: {
      const isCount =
        metric.dataPointType === DataPointType.SUM && metric.aggregationTemporality === AggregationTemporality.DELTA;
      return metric.dataPoints.map(({ attributes, value }) => ({
        kind: isCount ? "increment" : "gauge",
        name,
        value,
        tags: tagsOf(attributes),
      }));
    }
  }
}

function totals(name: string, attributes: Attributes, { count, sum }: Histogram | ExponentialHistogram): Statistic[] {
  const tags = tagsOf(attributes);
  return [
    { kind: "increment", name: `${name}.count`, value: count, tags },
    ...(sum === undefined ? [] : [{ kind: "increment", name: `${name}.sum`, value: sum, tags } as const]),
  ];
}

function buckets(name: string, attributes: Attributes, { buckets: { boundaries, counts } }: Histogram): Statistic[] {
  return counts.flatMap((count, index): Statistic[] => {
    if (count === 0) return [];
    const tags = {
      ...tagsOf(attributes),
      lower_bound: String(boundaries[index - 1] ?? "-inf"),
      upper_bound: String(boundaries[index] ?? "inf"),
    };
    return [{ kind: "increment", name: `${name}.bucket`, value: count, tags }];
  });
}

function tagsOf(attributes: Attributes): Record<string, string> {
  return Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, textOf(value)]));
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return "[unreadable]";
  }
}
