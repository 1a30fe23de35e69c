import type { Attributes } from "@opentelemetry/api";
import { DataPointType, type MetricData, type ResourceMetrics } from "@opentelemetry/sdk-metrics";
import { sanitiseAttributes } from "./sanitise-attributes.ts";

/** Rewrites the attributes that would make the official serialiser throw. */
export function withSaneAttributes({ resource, scopeMetrics }: ResourceMetrics): ResourceMetrics {
  return {
    resource: saneThing(resource),
    scopeMetrics: scopeMetrics.map(({ scope, metrics }) => ({ scope, metrics: metrics.map(saneMetric) })),
  };
}

// One line for each kind of point: TypeScript does not map a union of arrays.
function saneMetric(metric: MetricData): MetricData {
  if (metric.dataPointType === DataPointType.HISTOGRAM) {
    return { ...metric, dataPoints: metric.dataPoints.map(saneThing) };
  }
  if (metric.dataPointType === DataPointType.EXPONENTIAL_HISTOGRAM) {
    return { ...metric, dataPoints: metric.dataPoints.map(saneThing) };
  }
  return { ...metric, dataPoints: metric.dataPoints.map(saneThing) };
}

/** The thing itself when its attributes are fine, else one that inherits all but the attributes. */
function saneThing<Thing extends { readonly attributes: Attributes }>(thing: Thing): Thing {
  const attributes = sanitiseAttributes(thing.attributes);
  if (attributes === thing.attributes) return thing;
  const copy: Thing = Object.create(thing, { attributes: { value: attributes, enumerable: true } });
  return copy;
}
