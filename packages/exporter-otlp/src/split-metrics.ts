import type { MetricData, ResourceMetrics } from "@opentelemetry/sdk-metrics";

export function countPoints({ scopeMetrics }: ResourceMetrics): number {
  let points = 0;
  for (const { metrics } of scopeMetrics) for (const { dataPoints } of metrics) points += dataPoints.length;
  return points;
}

/** The same metrics in parts of at most so many data points, in their order. All in one part where that is enough. */
export function splitMetrics(metrics: ResourceMetrics, mostPoints: number): readonly ResourceMetrics[] {
  if (countPoints(metrics) <= mostPoints) return [metrics];
  const parts: ResourceMetrics[] = [];
  let room = 0;
  for (const { scope, metrics: ofScope } of metrics.scopeMetrics) {
    for (const metric of ofScope) {
      for (let from = 0; from < metric.dataPoints.length;) {
        if (room === 0) {
          parts.push({ resource: metrics.resource, scopeMetrics: [] });
          room = mostPoints;
        }
        const piece = metric.dataPoints.slice(from, from + room);
        // An array of a union's points is a union of arrays, which TypeScript does not see.
        addMetric(parts.at(-1)!, scope, { ...metric, dataPoints: piece } as MetricData);
        from += piece.length;
        room -= piece.length;
      }
    }
  }
  return parts;
}

function addMetric(
  part: ResourceMetrics,
  scope: ResourceMetrics["scopeMetrics"][number]["scope"],
  metric: MetricData,
): void {
  const last = part.scopeMetrics.at(-1);
  if (last?.scope === scope) last.metrics.push(metric);
  else part.scopeMetrics.push({ scope, metrics: [metric] });
}
