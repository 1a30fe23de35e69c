import type { HrTime } from "@opentelemetry/api";
import { appendWriter, type ByteWriter, copyBytes, createByteWriter, reserve, sizeOf } from "./byte-writer.ts";
import { type Exemplar, exemplarLabels, latestBetween } from "./exemplars.ts";
import type { Family } from "./families.ts";
import { protobufLabels } from "./label-forms.ts";
import { bucketsOf, type HistogramValue, isExponential, type SeriesPoint } from "./merge-points.ts";
import { type NativeBuckets, nativeHistogram } from "./native-histogram.ts";
import type { Naming } from "./naming.ts";
import {
  beginMessage,
  endMessage,
  writeDoubleField,
  writeSignedField,
  writeTextField,
  writeVarint,
  writeVarintField,
} from "./protobuf-fields.ts";
import type { SeriesPlan } from "./series-plan.ts";
import { helpOf } from "./write-text.ts";

// Source: prometheus/client_model, io/prometheus/client/metrics.proto. Numbers of fields stand beside their names.
const familyFields = { name: 1, help: 2, type: 3, metric: 4, unit: 5 };
const metricFields = { gauge: 2, counter: 3, histogram: 7 };
const types = { counter: 0, gauge: 1, histogram: 4 };

/** A family of numbers as one delimited `MetricFamily`. */
export function* writeNumberFamily(
  writer: ByteWriter,
  family: Family,
  plan: SeriesPlan,
  points: readonly SeriesPoint<number>[],
  naming: Naming,
): Generator<void> {
  const isCounter = family.kind === "counter";
  const content = createByteWriter();
  writeFamilyHead(content, family, family.sample, isCounter ? types.counter : types.gauge);
  for (let series = 0; series < points.length; series++) {
    const { value, startTime, exemplars } = points[series]!;
    const metric = beginMetric(content, plan, series, exemplars === undefined ? 128 : 128 + exemplarRoom);
    const number = beginMessage(content, isCounter ? metricFields.counter : metricFields.gauge, 0);
    writeDoubleField(content, 1, value);
    if (isCounter) {
      const exemplar = exemplars === undefined ? undefined : latestBetween(exemplars, -Infinity, Infinity);
      if (exemplar !== undefined) writeExemplar(content, 2, exemplar, naming);
      writeTime(content, 3, startTime);
    }
    endMessage(content, number);
    endMessage(content, metric);
    if (series % 256 === 255) yield;
  }
  appendDelimited(writer, content);
}

/**
 * A family of histograms as one delimited `MetricFamily`. Exponential ones are native histograms, and classic ones as well, for
 * servers that read these alone.
 */
export function* writeHistogramFamily(
  writer: ByteWriter,
  family: Family,
  plan: SeriesPlan,
  points: readonly SeriesPoint<HistogramValue>[],
  naming: Naming,
): Generator<void> {
  const content = createByteWriter();
  writeFamilyHead(content, family, family.name, types.histogram);
  for (let series = 0; series < points.length; series++) {
    const { value, startTime, exemplars = [] } = points[series]!;
    const room = 1024 + bucketCount(value) * 32 + exemplars.length * 2 * exemplarRoom;
    const metric = beginMetric(content, plan, series, room);
    const histogram = beginMessage(content, metricFields.histogram, 0);
    writeClassic(content, value, exemplars, naming);
    if (isExponential(value)) writeNative(content, value, exemplars, naming);
    writeTime(content, 15, startTime);
    endMessage(content, histogram);
    endMessage(content, metric);
    if (series % 32 === 31) yield;
  }
  appendDelimited(writer, content);
}

/** The resource's attributes as a gauge, as the text format has them. */
export function writeInfo(writer: ByteWriter, name: string, help: string, labels: Uint8Array): void {
  const content = createByteWriter();
  writeTextField(content, familyFields.name, name);
  writeTextField(content, familyFields.help, help);
  writeVarintField(content, familyFields.type, types.gauge);
  const metric = beginMessage(content, familyFields.metric, labels.length + 64);
  copyBytes(content, labels, 0, labels.length);
  const gauge = beginMessage(content, metricFields.gauge, 0);
  writeDoubleField(content, 1, 1);
  endMessage(content, gauge);
  endMessage(content, metric);
  appendDelimited(writer, content);
}

function writeFamilyHead(content: ByteWriter, family: Family, name: string, type: number): void {
  writeTextField(content, familyFields.name, name);
  writeTextField(content, familyFields.help, helpOf(family));
  writeVarintField(content, familyFields.type, type);
  if (family.unit !== "") writeTextField(content, familyFields.unit, family.unit);
}

function beginMetric(content: ByteWriter, { labels, ends }: SeriesPlan, series: number, room: number): number {
  const from = series === 0 ? 0 : ends[series - 1]!;
  const to = ends[series]!;
  const metric = beginMessage(content, familyFields.metric, to - from + room);
  copyBytes(content, labels, from, to);
  return metric;
}

function writeClassic(
  content: ByteWriter,
  value: HistogramValue,
  exemplars: readonly Exemplar[],
  naming: Naming,
): void {
  const { bounds, counts, count, sum } = bucketsOf(value);
  writeVarintField(content, 1, count);
  if (sum !== undefined) writeDoubleField(content, 2, sum);
  let cumulative = 0;
  for (let place = 0; place <= bounds.length; place++) {
    const bound = bounds[place] ?? Infinity;
    cumulative = place === bounds.length ? count : cumulative + (counts[place] ?? 0);
    const bucket = beginMessage(content, 3, 0);
    writeVarintField(content, 1, cumulative);
    writeDoubleField(content, 2, bound);
    const exemplar =
      exemplars.length === 0 ? undefined : latestBetween(exemplars, bounds[place - 1] ?? -Infinity, bound);
    if (exemplar !== undefined) writeExemplar(content, 3, exemplar, naming);
    endMessage(content, bucket);
  }
}

function writeNative(
  content: ByteWriter,
  value: Parameters<typeof nativeHistogram>[0],
  exemplars: readonly Exemplar[],
  naming: Naming,
): void {
  const native = nativeHistogram(value);
  if (native === undefined) return;
  writeSignedField(content, 5, native.schema);
  writeDoubleField(content, 6, native.zeroThreshold);
  writeVarintField(content, 7, native.zeroCount);
  writeSpans(content, 9, 10, native.negative);
  writeSpans(content, 12, 13, native.positive);
  // A span without buckets tells a server that there is a native histogram at all.
  if (native.positive.spans.length + native.negative.spans.length + native.zeroThreshold + native.zeroCount === 0) {
    const span = beginMessage(content, 12, 0);
    writeSignedField(content, 1, 0);
    writeVarintField(content, 2, 0);
    endMessage(content, span);
  }
  for (const exemplar of exemplars) writeExemplar(content, 16, exemplar, naming);
}

function writeSpans(
  content: ByteWriter,
  spanField: number,
  deltaField: number,
  { spans, deltas }: NativeBuckets,
): void {
  for (const { offset, length } of spans) {
    const span = beginMessage(content, spanField, 0);
    writeSignedField(content, 1, offset);
    writeVarintField(content, 2, length);
    endMessage(content, span);
  }
  for (const delta of deltas) writeSignedField(content, deltaField, delta);
}

const exemplarRoom = 768;

function writeExemplar(content: ByteWriter, field: number, exemplar: Exemplar, naming: Naming): void {
  const labels = Buffer.from(exemplarLabels(exemplar, protobufLabels, naming), "latin1");
  const message = beginMessage(content, field, 0);
  reserve(content, labels.length);
  copyBytes(content, labels, 0, labels.length);
  writeDoubleField(content, 2, exemplar.value);
  writeTime(content, 3, exemplar.timestamp);
  endMessage(content, message);
}

/** A `google.protobuf.Timestamp`. */
function writeTime(content: ByteWriter, field: number, [seconds, nanoseconds]: HrTime): void {
  const time = beginMessage(content, field, 0);
  writeVarintField(content, 1, Math.max(0, seconds));
  writeVarintField(content, 2, Math.max(0, nanoseconds));
  endMessage(content, time);
}

function bucketCount(value: HistogramValue): number {
  if (!isExponential(value)) return value.buckets.boundaries.length + 1;
  return 64 + value.positive.bucketCounts.length + value.negative.bucketCounts.length;
}

function appendDelimited(writer: ByteWriter, content: ByteWriter): void {
  reserve(writer, 16);
  writeVarint(writer, sizeOf(content));
  appendWriter(writer, content);
}
