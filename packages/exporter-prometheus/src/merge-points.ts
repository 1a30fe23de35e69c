import { DataPointType } from "@opentelemetry/sdk-metrics";
import type { Family, Member } from "./families.ts";
import { addBuckets, type Buckets, explicitBuckets, exponentialBuckets } from "./histogram-buckets.ts";
import { escapeQuoted, labelValue } from "./label-values.ts";
import type { LabelWriter } from "./labels.ts";

/** How the series of a family are told apart. */
export interface SeriesOptions {
  readonly writeLabels: LabelWriter;
  /** Whether series carry the instrumentation scope as `otel_scope_name` and `otel_scope_version`. */
  readonly withScopeInfo: boolean;
  readonly onWarning: (message: string) => void;
}

/**
 * The series of a counter, up-down counter or gauge family by label text. Points with the same labels add up; of gauges, the
 * last one counts.
 */
export function numberSeries(family: Family, options: SeriesOptions): Map<string, number> {
  const series = new Map<string, number>();
  const adds = family.kind !== "gauge";
  for (const member of family.members) {
    const { metric } = member;
    if (metric.dataPointType !== DataPointType.SUM && metric.dataPointType !== DataPointType.GAUGE) continue;
    const scope = scopeLabels(member, options);
    for (const point of metric.dataPoints) {
      const labels = joinLabels(options.writeLabels(point.attributes), scope);
      const present = series.get(labels);
      if (present !== undefined && !adds) {
        options.onWarning(
          `two series of gauge "${family.name}" have the same labels, and the last one is shown: ` +
            "give them different attributes, or set withScopeInfo",
        );
      }
      series.set(labels, present === undefined || !adds ? point.value : present + point.value);
    }
  }
  return series;
}

/** The series of a histogram family by label text. Points with the same labels add up. */
export function histogramSeries(family: Family, options: SeriesOptions): Map<string, Buckets> {
  const series = new Map<string, Buckets>();
  for (const member of family.members) {
    const scope = scopeLabels(member, options);
    for (const { attributes, buckets } of bucketPoints(member)) {
      const labels = joinLabels(options.writeLabels(attributes), scope);
      const present = series.get(labels);
      series.set(labels, present === undefined ? buckets : addBuckets(present, buckets));
    }
  }
  return series;
}

function* bucketPoints({ metric }: Member): Generator<{ attributes: unknown; buckets: Buckets }> {
  if (metric.dataPointType === DataPointType.HISTOGRAM) {
    for (const { attributes, value } of metric.dataPoints) yield { attributes, buckets: explicitBuckets(value) };
  } else if (metric.dataPointType === DataPointType.EXPONENTIAL_HISTOGRAM) {
    for (const { attributes, value } of metric.dataPoints) yield { attributes, buckets: exponentialBuckets(value) };
  }
}

function scopeLabels({ scope }: Member, { withScopeInfo }: SeriesOptions): string {
  if (!withScopeInfo) return "";
  const name = labelValue(scope.name);
  const version = labelValue(scope.version);
  return joinLabels(
    name === "" ? "" : `otel_scope_name="${escapeQuoted(name)}"`,
    version === "" ? "" : `otel_scope_version="${escapeQuoted(version)}"`,
  );
}

function joinLabels(left: string, right: string): string {
  return left === "" ? right : right === "" ? left : `${left},${right}`;
}
