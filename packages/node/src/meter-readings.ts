import {
  AggregationTemporality,
  AggregationType,
  DataPointType,
  type Histogram,
  type ExponentialHistogram,
  type IMetricReader,
  type MetricData,
  type MetricProducer,
} from "@opentelemetry/sdk-metrics";

/** What one meter holds now, under the name it is registered with. */
export interface MeterReading {
  readonly name: string;
  readonly unit: string;
  readonly description: string;
  readonly kind: "counter" | "upDownCounter" | "gauge" | "histogram";
  readonly points: readonly MeterPoint[];
}

/** One series of a meter. */
export interface MeterPoint {
  readonly attributes: Readonly<Record<string, unknown>>;
  /** The value; of a histogram, the sum of what was recorded. */
  readonly value: number;
  /** Of a histogram: how many values were recorded. */
  readonly count?: number;
  /** Of a histogram with fixed buckets: their upper boundaries. */
  readonly boundaries?: readonly number[];
  /** How many values lie in each bucket: one more than boundaries, for those above all. */
  readonly counts?: readonly number[];
}

/** A reader of the meter provider that is read when somebody in this process asks, by what serves the figures. */
export interface ReadingReader extends IMetricReader {
  /** Every meter's sums since the process began. Rejects when the provider cannot be collected, and after shutdown. */
  readings(): Promise<readonly MeterReading[]>;
}

export function createReadingReader(): ReadingReader {
  let producer: MetricProducer | undefined;
  async function collect(): ReturnType<MetricProducer["collect"]> {
    if (producer === undefined) throw new Error("[meterbridge] the meters are not running");
    return await producer.collect();
  }
  return {
    setMetricProducer: (given) => void (producer = given),
    selectAggregation: () => ({ type: AggregationType.DEFAULT }),
    selectAggregationTemporality: () => AggregationTemporality.CUMULATIVE,
    selectCardinalityLimit: () => 2000,
    collect,
    forceFlush: () => Promise.resolve(),
    shutdown() {
      producer = undefined;
      return Promise.resolve();
    },
    async readings() {
      const { resourceMetrics } = await collect();
      return resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics.map(readingOf));
    },
  };
}

function readingOf(metric: MetricData): MeterReading {
  const { name, unit, description } = metric.descriptor;
  return { name, unit, description, ...figuresOf(metric) };
}

function figuresOf(metric: MetricData): Pick<MeterReading, "kind" | "points"> {
  switch (metric.dataPointType) {
    case DataPointType.SUM:
      return {
        kind: metric.isMonotonic ? "counter" : "upDownCounter",
        points: metric.dataPoints.map(({ attributes, value }) => ({ attributes, value })),
      };
    case DataPointType.GAUGE:
      return { kind: "gauge", points: metric.dataPoints.map(({ attributes, value }) => ({ attributes, value })) };
    case DataPointType.HISTOGRAM:
      return {
        kind: "histogram",
        points: metric.dataPoints.map(({ attributes, value }) => ({
          attributes,
          ...totalsOf(value),
          ...value.buckets,
        })),
      };
    case DataPointType.EXPONENTIAL_HISTOGRAM:
      return {
        kind: "histogram",
        points: metric.dataPoints.map(({ attributes, value }) => ({ attributes, ...totalsOf(value) })),
      };
  }
}

function totalsOf({ sum, count }: Histogram | ExponentialHistogram): { value: number; count: number } {
  return { value: sum ?? 0, count };
}
