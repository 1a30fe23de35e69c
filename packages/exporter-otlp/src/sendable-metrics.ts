import type { Attributes } from "@opentelemetry/api";
import { DataPointType, type MetricData, type ResourceMetrics } from "@opentelemetry/sdk-metrics";
import { dropNonFinite } from "./drop-non-finite.ts";
import { sanitiseAttributes } from "./sanitise-attributes.ts";

/** Metrics that each serialiser and collector takes. */
export interface SendableMetrics {
  readonly metrics: ResourceMetrics;
  /** How many data points were left out as not finite, by metric name. */
  readonly leftOut: ReadonlyMap<string, number>;
}

/** Leaves out or rewrites what would make a serialiser throw or a collector refuse the whole export. */
export function toSendableMetrics({ resource, scopeMetrics }: ResourceMetrics): SendableMetrics {
  const leftOut = new Map<string, number>();
  const metrics: ResourceMetrics = {
    resource: withSaneAttributes(resource),
    scopeMetrics: scopeMetrics.map((scope) => ({
      ...scope,
      metrics: scope.metrics.flatMap((metric) => {
        const kept = dropNonFinite(metric);
        const { name } = metric.descriptor;
        if (kept.leftOut > 0) leftOut.set(name, (leftOut.get(name) ?? 0) + kept.leftOut);
        return kept.metric.dataPoints.length === 0 ? [] : [withSanePoints(kept.metric)];
      }),
    })),
  };
  return { metrics, leftOut };
}

// One line for each kind of point: TypeScript does not map a union of arrays.
function withSanePoints(metric: MetricData): MetricData {
  if (metric.dataPointType === DataPointType.HISTOGRAM) {
    return { ...metric, dataPoints: metric.dataPoints.map(withSaneAttributes) };
  }
  if (metric.dataPointType === DataPointType.EXPONENTIAL_HISTOGRAM) {
    return { ...metric, dataPoints: metric.dataPoints.map(withSaneAttributes) };
  }
  return { ...metric, dataPoints: metric.dataPoints.map(withSaneAttributes) };
}

/** The thing itself when its attributes are fine, else one that inherits all but the attributes. */
function withSaneAttributes<Thing extends { readonly attributes: Attributes }>(thing: Thing): Thing {
  const attributes = sanitiseAttributes(thing.attributes);
  if (attributes === thing.attributes) return thing;
  const copy: Thing = Object.create(thing, { attributes: { value: attributes, enumerable: true } });
  return copy;
}
