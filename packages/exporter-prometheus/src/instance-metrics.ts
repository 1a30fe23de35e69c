import type { Attributes, HrTime } from "@opentelemetry/api";
import { DataPointType, type MetricData, type ResourceMetrics, type ScopeMetrics } from "@opentelemetry/sdk-metrics";
import type { Exemplar } from "./exemplars.ts";
import { labelValue } from "./label-values.ts";
import type { HistogramValue } from "./merge-points.ts";

/** One metric of one instance, as it passes between them. */
export interface InstanceMetric {
  readonly scope: Pick<ScopeMetrics["scope"], "name" | "version">;
  readonly descriptor: MetricData["descriptor"];
  readonly dataPointType: DataPointType;
  readonly isMonotonic: boolean;
  readonly points: readonly InstancePoint[];
}

export interface InstancePoint {
  readonly attributes: Attributes;
  readonly value: number | HistogramValue;
  readonly startTime: HrTime;
  readonly endTime: HrTime;
  readonly exemplars?: readonly Exemplar[];
}

/** Whether what an instance counted stays in the sum when it has ended. Balances and levels end with it. */
export function staysInSum({ dataPointType, isMonotonic }: InstanceMetric): boolean {
  if (dataPointType === DataPointType.SUM) return isMonotonic;
  return dataPointType === DataPointType.HISTOGRAM || dataPointType === DataPointType.EXPONENTIAL_HISTOGRAM;
}

export function instanceMetrics({ scopeMetrics }: ResourceMetrics): InstanceMetric[] {
  return scopeMetrics.flatMap(({ scope, metrics }) =>
    metrics.map((metric): InstanceMetric => ({
      scope: { name: scope.name, ...(scope.version === undefined ? {} : { version: scope.version }) },
      descriptor: metric.descriptor,
      dataPointType: metric.dataPointType,
      isMonotonic: metric.dataPointType === DataPointType.SUM && metric.isMonotonic,
      points: metric.dataPoints as readonly InstancePoint[],
    })),
  );
}

/** As text, since a cluster's channel passes JSON: NaN and infinities would come out of that as null. */
export function serialise(metrics: readonly InstanceMetric[]): string {
  return process.getBuiltinModule("node:v8").serialize(metrics.map(plain)).toString("base64");
}

/** @throws what `v8.deserialize` does for anything else. */
export function deserialise(text: string): InstanceMetric[] {
  return process.getBuiltinModule("node:v8").deserialize(Buffer.from(text, "base64")) as InstanceMetric[];
}

/** Without what cannot be cloned: attributes of the official SDK may hold functions and symbols, which become the text they show as. */
function plain(metric: InstanceMetric): InstanceMetric {
  const points = metric.points.map((point) => ({ ...point, attributes: plainAttributes(point.attributes) }));
  return { ...metric, points };
}

function plainAttributes(attributes: unknown): Attributes {
  if (typeof attributes !== "object" || attributes === null) return {};
  try {
    const texts = Object.entries(attributes).map(([key, value]): [string, string] => [
      key,
      typeof value === "string" ? value : labelValue(value),
    ]);
    return Object.fromEntries(texts);
  } catch {
    return {};
  }
}
