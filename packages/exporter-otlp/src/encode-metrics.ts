import type { InstrumentationScope } from "@opentelemetry/core";
import {
  AggregationTemporality,
  DataPointType,
  type MetricData,
  type ResourceMetrics,
  type ScopeMetrics,
} from "@opentelemetry/sdk-metrics";
import { writeAttributes } from "./attribute-bytes.ts";
import { type ByteWriter, createByteWriter, varintWidth } from "./byte-writer.ts";
import { createExponentialPoints } from "./exponential-points.ts";
import { createHistogramPoints } from "./histogram-points.ts";
import { createNumberPoints } from "./number-points.ts";
import type { PointBytes } from "./point-bytes.ts";

/** Writes metrics as an `ExportMetricsServiceRequest` in protobuf (opentelemetry-proto, collector/metrics/v1). */
export interface MetricsEncoder {
  /**
   * The request's bytes. They are the encoder's: it may write over them at the next call, unless they are still `inUse` then.
   * What the SDK has handed over is not changed; attributes that OTLP cannot carry are made safe.
   */
  encode(metrics: ResourceMetrics, inUse: (bytes: Uint8Array) => boolean): Uint8Array;
}

/**
 * It keeps the last request. Where the same series come again in the same order, which is the rule, their numbers are written over and
 * nothing else is done; where not, the points of each metric that are as they were keep their bytes.
 */
export function createMetricsEncoder(): MetricsEncoder {
  let known = new Map<string, PointBytes<unknown>>();
  let last: Request | undefined;

  function rewrite(metrics: ResourceMetrics): Uint8Array {
    const used = new Map<string, PointBytes<unknown>>();
    const placed: Placed[] = [];
    const parts = encodeRequest(metrics, (scope, metric) => {
      const { name, valueType } = metric.descriptor;
      let key = JSON.stringify([scope.name, scope.version, scope.schemaUrl, name, metric.dataPointType, valueType]);
      // Two metrics of one name, after a conflict of instruments: each keeps its own.
      while (used.has(key)) key += "'";
      const points = known.get(key) ?? createPoints(metric);
      used.set(key, points);
      points.update(metric.dataPoints);
      placed.push({ points, at: 0, scope, metric: headOf(metric) });
      return points.bytes;
    });
    known = used;
    const bytes = Buffer.concat(parts);
    let at = 0;
    let next = 0;
    for (const part of parts) {
      const place = placed[next];
      if (place !== undefined && part.buffer === place.points.bytes.buffer) placed[next++] = { ...place, at };
      at += part.length;
    }
    last = {
      bytes,
      view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
      placed,
      resource: metrics.resource,
    };
    return bytes;
  }

  return {
    encode(metrics, inUse) {
      return last !== undefined && !inUse(last.bytes) && patchLast(last, metrics) ? last.bytes : rewrite(metrics);
    },
  };
}

/** The request that was written last, and where in it the points of each metric are. */
interface Request {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly placed: readonly Placed[];
  readonly resource: ResourceMetrics["resource"];
}

interface Placed {
  readonly points: PointBytes<unknown>;
  readonly at: number;
  readonly scope: InstrumentationScope;
  readonly metric: Head;
}

/** What of a metric is written beside its points. */
type Head = Pick<MetricData["descriptor"], "name" | "description" | "unit" | "valueType"> &
  Pick<MetricData, "dataPointType" | "aggregationTemporality"> & { readonly isMonotonic: boolean };

function headOf({ descriptor, dataPointType, aggregationTemporality, ...metric }: MetricData): Head {
  const { name, description, unit, valueType } = descriptor;
  const isMonotonic = "isMonotonic" in metric && metric.isMonotonic;
  return { name, description, unit, valueType, dataPointType, aggregationTemporality, isMonotonic };
}

function isHeadOf(head: Head, metric: MetricData): boolean {
  const other = headOf(metric);
  return (Object.keys(head) as (keyof Head)[]).every((key) => head[key] === other[key]);
}

function isSameScope(one: InstrumentationScope, other: InstrumentationScope): boolean {
  return one.name === other.name && one.version === other.version && one.schemaUrl === other.schemaUrl;
}

/** Whether the same metrics came again, with the same series; then their numbers have been written over. */
function patchLast({ view, placed, resource }: Request, metrics: ResourceMetrics): boolean {
  if (metrics.resource !== resource) return false;
  let next = 0;
  for (const scope of metrics.scopeMetrics) {
    for (const metric of scope.metrics) {
      const place = placed[next++];
      if (place === undefined || !isHeadOf(place.metric, metric) || !isSameScope(place.scope, scope.scope))
        return false;
      if (!place.points.patchCopy(view, place.at, metric.dataPoints)) return false;
    }
  }
  return next === placed.length;
}

function createPoints(metric: MetricData): PointBytes<unknown> {
  switch (metric.dataPointType) {
    case DataPointType.HISTOGRAM:
      return createHistogramPoints();
    case DataPointType.EXPONENTIAL_HISTOGRAM:
      return createExponentialPoints();
    default:
      return createNumberPoints(metric.descriptor.valueType);
  }
}

type PointsOf = (scope: InstrumentationScope, metric: MetricData) => Uint8Array;

/** In parts, which are copied once, at the very end. */
function encodeRequest({ resource, scopeMetrics }: ResourceMetrics, pointsOf: PointsOf): Uint8Array[] {
  const head = written((writer) => {
    writer.message(0x0a, () => {
      writeAttributes(writer, 0x0a, resource.attributes);
      writer.varint(0x10, 0);
    });
  });
  const tail = written((writer) => {
    if (resource.schemaUrl) writer.text(0x1a, resource.schemaUrl);
  });
  return field(0x0a, [head, ...scopeMetrics.flatMap((each) => encodeScope(each, pointsOf)), tail]);
}

function encodeScope({ scope, metrics }: ScopeMetrics, pointsOf: PointsOf): Uint8Array[] {
  const head = written((writer) => {
    writer.message(0x0a, () => {
      writer.text(0x0a, scope.name);
      if (scope.version) writer.text(0x12, scope.version);
    });
  });
  const tail = written((writer) => {
    if (scope.schemaUrl) writer.text(0x1a, scope.schemaUrl);
  });
  return field(0x12, [head, ...metrics.flatMap((metric) => encodeMetric(metric, pointsOf(scope, metric))), tail]);
}

const dataTags = {
  [DataPointType.GAUGE]: 0x2a,
  [DataPointType.SUM]: 0x3a,
  [DataPointType.HISTOGRAM]: 0x4a,
  [DataPointType.EXPONENTIAL_HISTOGRAM]: 0x52,
} as const;

function encodeMetric(metric: MetricData, points: Uint8Array): Uint8Array[] {
  const { name, description, unit } = metric.descriptor;
  const head = written((writer) => {
    writer.text(0x0a, name);
    if (description) writer.text(0x12, description);
    if (unit) writer.text(0x1a, unit);
  });
  const tail = written((writer) => {
    if (metric.dataPointType === DataPointType.GAUGE) return;
    writer.varint(0x10, metric.aggregationTemporality === AggregationTemporality.DELTA ? 1 : 2);
    if (metric.dataPointType === DataPointType.SUM && metric.isMonotonic) writer.varint(0x18, 1);
  });
  return field(0x12, [head, ...field(dataTags[metric.dataPointType], [points, tail])]);
}

/** Tag and length in front of what a field holds. */
function field(tag: number, parts: readonly Uint8Array[]): Uint8Array[] {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const head = new Uint8Array(1 + varintWidth(size));
  head[0] = tag;
  let rest = size;
  for (let at = 1; at < head.length; at++, rest = Math.floor(rest / 128)) {
    head[at] = (rest & 0x7f) | (at < head.length - 1 ? 0x80 : 0);
  }
  return [head, ...parts];
}

function written(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = createByteWriter(128);
  write(writer);
  return writer.bytes.subarray(0, writer.length);
}
