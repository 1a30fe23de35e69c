import { type ByteWriter, copyBytes, plainBytes, reserve, writeAscii, writeNumber, writeText } from "./byte-writer.ts";
import { isPlainMetricName } from "./escape-names.ts";
import { type Exemplar, exemplarLabels, latestBetween, secondsOf } from "./exemplars.ts";
import type { Family } from "./families.ts";
import { textLabels } from "./label-forms.ts";
import { escapeQuoted } from "./label-values.ts";
import { bucketsOf, type HistogramValue, type SeriesPoint } from "./merge-points.ts";
import type { Naming } from "./naming.ts";
import { boundText, valueText } from "./number-text.ts";
import type { SeriesPlan } from "./series-plan.ts";

/** What is the same for all families of one rendering. */
export interface TextOptions {
  readonly openMetrics: boolean;
  /** Whether OpenMetrics has a sample with the begin of each counter and histogram. */
  readonly withCreated: boolean;
  readonly naming: Naming;
}

export interface Header {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly unit?: string;
}

export function writeHeader(
  writer: ByteWriter,
  { name, type, help, unit = "" }: Header,
  { openMetrics }: TextOptions,
): void {
  const shown = isPlainMetricName(name) ? name : `"${escapeQuoted(name)}"`;
  const escapedHelp = openMetrics ? escapeQuoted(help) : help.replace(/\\/g, "\\\\").replace(/\n/g, "\\n");
  writeText(writer, `# HELP ${shown} ${escapedHelp}\n# TYPE ${shown} ${type}\n`);
  if (openMetrics && unit !== "") writeText(writer, `# UNIT ${shown} ${unit}\n`);
}

/** A counter, up-down counter or gauge: a line for each series. */
export function* writeNumbers(
  writer: ByteWriter,
  family: Family,
  plan: SeriesPlan,
  points: readonly SeriesPoint<number>[],
  options: TextOptions,
): Generator<void> {
  const { openMetrics } = options;
  const header = numbersHeader(family, points, openMetrics);
  writeHeader(writer, header, options);
  const head = lineHead(family.sample);
  const hasMore = openMetrics && header.type === "counter";
  const created = hasMore && options.withCreated ? lineHead(`${family.name}_created`) : undefined;
  for (let first = 0; first < points.length; first += blockSize) {
    const end = Math.min(first + blockSize, points.length);
    if (!hasMore || (created === undefined && !hasExemplars(points, first, end))) {
      writeBlock(writer, head, plan, points, first, end);
    } else {
      for (let series = first; series < end; series++) {
        const point = points[series]!;
        writeStart(writer, head, plan, series);
        writeNumber(writer, point.value, valueText);
        writeExemplar(writer, latestBetween(point.exemplars ?? [], -Infinity, Infinity), options);
        endLine(writer);
        if (created !== undefined) writeCreated(writer, created, plan, series, point);
      }
    }
    yield;
  }
}

/** A histogram: a line for each bucket, the sum and the count of each series. */
export function* writeHistograms(
  writer: ByteWriter,
  family: Family,
  plan: SeriesPlan,
  points: readonly SeriesPoint<HistogramValue>[],
  options: TextOptions,
): Generator<void> {
  const { openMetrics } = options;
  const { name, unit } = family;
  writeHeader(writer, { name, type: "histogram", help: helpOf(family), unit }, options);
  const bucket = lineHead(`${name}_bucket`);
  const sum = lineHead(`${name}_sum`);
  const count = lineHead(`${name}_count`);
  const created = openMetrics && options.withCreated ? lineHead(`${name}_created`) : undefined;
  let writtenBounds: readonly number[] | undefined;
  let ends: readonly Uint8Array[] = [];
  for (let series = 0; series < points.length; series++) {
    const point = points[series]!;
    const buckets = bucketsOf(point.value);
    if (buckets.bounds !== writtenBounds) {
      writtenBounds = buckets.bounds;
      ends = [...buckets.bounds.map((bound) => `le="${boundText(bound, openMetrics)}"} `), 'le="+Inf"} '].map((end) =>
        plainBytes(Buffer.from(end)),
      );
    }
    const anchor: Anchor = { bytes: undefined, at: 0 };
    let cumulative = 0;
    for (let place = 0; place < ends.length; place++) {
      const end = ends[place]!;
      cumulative = place === ends.length - 1 ? buckets.count : cumulative + (buckets.counts[place] ?? 0);
      writeBucketStart(writer, bucket, plan, series, anchor);
      copyBytes(writer, end, 0, end.length);
      writeNumber(writer, cumulative, valueText);
      if (openMetrics && point.exemplars !== undefined) {
        const above = buckets.bounds[place - 1] ?? -Infinity;
        writeExemplar(writer, latestBetween(point.exemplars, above, buckets.bounds[place] ?? Infinity), options);
      }
      endLine(writer);
    }
    // OpenMetrics refuses a sum that is not a number.
    if (buckets.sum !== undefined && !(openMetrics && Number.isNaN(buckets.sum))) {
      writeStart(writer, sum, plan, series);
      writeNumber(writer, buckets.sum, valueText);
      endLine(writer);
    }
    writeStart(writer, count, plan, series);
    writeNumber(writer, buckets.count, valueText);
    endLine(writer);
    if (created !== undefined) writeCreated(writer, created, plan, series, point);
    if (series % 16 === 15) yield;
  }
}

/** Without a description, the original name is what helps most: it is what the documentation of the meter says. */
export function helpOf(family: Family): string {
  return family.help === "" ? `OpenTelemetry metric ${family.original}` : family.help;
}

const blockSize = 128;

/**
 * Lines of labels and a number, and nothing else. The labels of all go into the answer's own bytes first, behind the place of the
 * lines, since bytes are copied within an array in half the time, and without garbage.
 */
function writeBlock(
  writer: ByteWriter,
  { open, bare }: LineHead,
  { labels, ends }: SeriesPlan,
  points: readonly SeriesPoint<number>[],
  first: number,
  end: number,
): void {
  const begin = first === 0 ? 0 : ends[first - 1]!;
  const size = ends[end - 1]! - begin;
  const linesSize = size + (end - first) * (open.length + spare);
  reserve(writer, linesSize + size);
  const { bytes } = writer;
  const staged = writer.at + linesSize - begin;
  bytes.set(labels.subarray(begin, begin + size), staged + begin);
  let from = begin;
  for (let series = first; series < end; series++) {
    const to = ends[series]!;
    if (from === to) {
      copyBytes(writer, bare, 0, bare.length);
    } else {
      copyBytes(writer, open, 0, open.length);
      bytes.copyWithin(writer.at, staged + from, staged + to);
      writer.at += to - from;
      bytes[writer.at++] = closing[0]!;
      bytes[writer.at++] = closing[1]!;
    }
    writeNumber(writer, points[series]!.value, valueText);
    bytes[writer.at++] = newline;
    from = to;
  }
}

function hasExemplars(points: readonly SeriesPoint<number>[], first: number, end: number): boolean {
  for (let series = first; series < end; series++) if (points[series]!.exemplars !== undefined) return true;
  return false;
}

/** What a sample's line begins with. */
interface LineHead {
  /** Before labels: `name{`, or `{"my.name",` where the name needs quotes. */
  readonly open: Uint8Array;
  /** The start of a line without labels. */
  readonly bare: Uint8Array;
}

/** Where the last bucket's line begins. */
interface Anchor {
  bytes: Uint8Array | undefined;
  at: number;
}

function lineHead(name: string): LineHead {
  const isPlain = isPlainMetricName(name);
  const quoted = `{"${escapeQuoted(name)}"`;
  return {
    open: plainBytes(Buffer.from(isPlain ? `${name}{` : `${quoted},`)),
    bare: plainBytes(Buffer.from(isPlain ? `${name} ` : `${quoted}} `)),
  };
}

/** Room for a bucket's bound, a number, an end of line and what stands between. */
const spare = 128;
const closing = Buffer.from("} ");

function writeStart(writer: ByteWriter, { open, bare }: LineHead, { labels, ends }: SeriesPlan, series: number): void {
  const from = series === 0 ? 0 : ends[series - 1]!;
  const to = ends[series]!;
  reserve(writer, open.length + to - from + spare);
  if (from === to) {
    copyBytes(writer, bare, 0, bare.length);
    return;
  }
  copyBytes(writer, open, 0, open.length);
  copyBytes(writer, labels, from, to);
  const { bytes } = writer;
  bytes[writer.at++] = closing[0]!;
  bytes[writer.at++] = closing[1]!;
}

/**
 * Writes what all bucket lines of a series begin with. From the second on it is copied from the line before, which takes half as
 * long as putting it together.
 */
function writeBucketStart(
  writer: ByteWriter,
  { open }: LineHead,
  { labels, ends }: SeriesPlan,
  series: number,
  anchor: Anchor,
): void {
  const from = series === 0 ? 0 : ends[series - 1]!;
  const to = ends[series]!;
  const size = open.length + (to > from ? to - from + 1 : 0);
  reserve(writer, size + spare);
  const { at } = writer;
  if (anchor.bytes === writer.bytes) {
    writer.bytes.copyWithin(at, anchor.at, anchor.at + size);
    writer.at = at + size;
    return;
  }
  copyBytes(writer, open, 0, open.length);
  if (to > from) {
    copyBytes(writer, labels, from, to);
    writer.bytes[writer.at++] = comma;
  }
  anchor.bytes = writer.bytes;
  anchor.at = at;
}

const comma = 44;
const newline = 10;

function endLine(writer: ByteWriter): void {
  reserve(writer, 1);
  writer.bytes[writer.at++] = newline;
}

function writeCreated(
  writer: ByteWriter,
  head: LineHead,
  plan: SeriesPlan,
  series: number,
  { startTime }: SeriesPoint<unknown>,
): void {
  writeStart(writer, head, plan, series);
  writeAscii(writer, String(secondsOf(startTime)));
  endLine(writer);
}

function writeExemplar(writer: ByteWriter, exemplar: Exemplar | undefined, { naming }: TextOptions): void {
  if (exemplar === undefined) return;
  const labels = exemplarLabels(exemplar, textLabels, naming);
  writeText(writer, ` # {${labels}} ${valueText(exemplar.value)} ${secondsOf(exemplar.timestamp)}`);
}

function numbersHeader(family: Family, points: readonly SeriesPoint<number>[], openMetrics: boolean): Header {
  const { name, sample, unit, kind } = family;
  const help = helpOf(family);
  if (kind !== "counter") return { name, type: "gauge", help, unit };
  if (!openMetrics) return { name: sample, type: "counter", help };
  // OpenMetrics refuses a counter that is negative, NaN or without `_total`. As an unknown it keeps its sample name and its value.
  const isCounter = sample === `${name}_total` && points.every(({ value }) => value >= 0);
  return isCounter ? { name, type: "counter", help, unit } : { name: sample, type: "unknown", help };
}
