import {
  AggregationType,
  DataPointType,
  type ExponentialHistogram,
  MeterProvider,
  type ResourceMetrics,
} from "@opentelemetry/sdk-metrics";
import type { Meter } from "@opentelemetry/api";
import { prometheus } from "../src/index.ts";
import { recordingDiag } from "./recording-diag.ts";

/** What the official SDK collects after `record` has used a meter. */
export async function collect(record: (meter: Meter) => void, exponential = false): Promise<ResourceMetrics> {
  const exporter = prometheus({ server: false });
  const reader = exporter.createReader({ resourceAttributes: {}, namespace: "", diag: recordingDiag() });
  const views = exponential
    ? [{ instrumentName: "*", aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM as const } }]
    : [];
  const provider = new MeterProvider({ readers: [reader], views });
  record(provider.getMeter("test"));
  const { resourceMetrics } = await reader.collect();
  await provider.shutdown();
  return resourceMetrics;
}

/** The official SDK's exponential histogram of the values. */
export async function exponentialHistogramOf(values: readonly number[]): Promise<ExponentialHistogram> {
  const { scopeMetrics } = await collect((meter) => {
    const instrument = meter.createHistogram("values");
    for (const value of values) instrument.record(value);
  }, true);
  const metric = scopeMetrics[0]?.metrics[0];
  const point = metric?.dataPointType === DataPointType.EXPONENTIAL_HISTOGRAM ? metric.dataPoints[0] : undefined;
  if (point === undefined) throw new Error("no exponential histogram was collected");
  return point.value;
}
