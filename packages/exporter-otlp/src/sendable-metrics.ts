import type { ResourceMetrics } from "@opentelemetry/sdk-metrics";
import { dropNonFinite } from "./drop-non-finite.ts";

/** Metrics that each collector takes. */
export interface SendableMetrics {
  readonly metrics: ResourceMetrics;
  /** How many data points were left out as not finite, by metric name. */
  readonly leftOut: ReadonlyMap<string, number>;
}

/** Leaves out the points that would make a collector refuse the whole export. */
export function toSendableMetrics({ resource, scopeMetrics }: ResourceMetrics): SendableMetrics {
  const leftOut = new Map<string, number>();
  const metrics: ResourceMetrics = {
    resource,
    scopeMetrics: scopeMetrics.map(({ scope, metrics: ofScope }) => ({
      scope,
      metrics: ofScope.flatMap((metric) => {
        const kept = dropNonFinite(metric);
        const { name } = metric.descriptor;
        if (kept.leftOut > 0) leftOut.set(name, (leftOut.get(name) ?? 0) + kept.leftOut);
        return kept.metric.dataPoints.length === 0 ? [] : [kept.metric];
      }),
    })),
  };
  return { metrics, leftOut };
}
