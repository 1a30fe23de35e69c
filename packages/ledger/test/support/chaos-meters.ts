import type { DataPoint, MetricReader } from "@opentelemetry/sdk-metrics";

/** What a reader collects, by the name and the attributes' values: `meterbridge.ledger.events lost`. */
export async function readMeters(reader: MetricReader): Promise<Record<string, number>> {
  const { resourceMetrics } = await reader.collect();
  const meters: Record<string, number> = {};
  for (const { descriptor, dataPoints } of resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics)) {
    for (const { attributes, value } of dataPoints as DataPoint<number>[]) {
      const name = [descriptor.name, ...Object.values(attributes).map(String)].join(" ");
      meters[name] = (meters[name] ?? 0) + value;
    }
  }
  return meters;
}
