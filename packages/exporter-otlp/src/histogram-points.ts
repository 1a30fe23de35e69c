import type { Histogram } from "@opentelemetry/sdk-metrics";
import { writeAttributes } from "./attribute-bytes.ts";
import { type ByteWriter, setTime, setCount, varintWidth } from "./byte-writer.ts";
import { createPointBytes, type PointBytes } from "./point-bytes.ts";

/** The points of a histogram: `HistogramDataPoint` (opentelemetry-proto, metrics/v1/metrics.proto). */
export function createHistogramPoints(): PointBytes<Histogram> {
  /** Points with other boundaries have bytes of another form; those of a metric share theirs. */
  let boundaries: readonly number[] | undefined;

  return createPointBytes<Histogram>({
    write(writer, point) {
      const { count, sum, min, max, buckets } = point.value;
      boundaries = buckets.boundaries;
      const at = writer.length;
      writer.fixed64(tags.start, 0, 0);
      writer.fixed64(tags.end, 0, 0);
      setTime(writer.view, at + 1, point.startTime);
      setTime(writer.view, at + 10, point.endTime);
      writeCount(writer, tags.count, count);
      if (sum !== undefined) writer.double(tags.sum, sum);
      // In front of what has no fixed width, so that their place is known; the order of fields is free.
      if (min !== undefined) writer.double(tags.min, min);
      if (max !== undefined) writer.double(tags.max, max);
      if (buckets.counts.length > 0) writer.packedCounts(tags.counts, buckets.counts);
      if (buckets.boundaries.length > 0) writer.packedDoubles(tags.bounds, buckets.boundaries);
      writeAttributes(writer, tags.attributes, point.attributes);
    },
    patch(view, start, point) {
      if (point.value.buckets.boundaries !== boundaries || !hasForm(view, start, point.value)) return false;
      setTime(view, start + 1, point.startTime);
      setTime(view, start + 10, point.endTime);
      patchValue(view, start + 19, point.value);
      return true;
    },
  });
}

const tags = {
  start: 0x11,
  end: 0x19,
  count: 0x21,
  sum: 0x29,
  counts: 0x32,
  bounds: 0x3a,
  attributes: 0x4a,
  min: 0x59,
  max: 0x61,
} as const;

/** Whether sum, minimum and maximum are there as they are in the bytes. Written out, as is the next: this is done for each series. */
function hasForm(view: DataView, start: number, { sum, min, max }: Histogram): boolean {
  let at = start + 27;
  if ((view.getUint8(at) === tags.sum) !== (sum !== undefined)) return false;
  if (sum !== undefined) at += 9;
  if ((view.getUint8(at) === tags.min) !== (min !== undefined)) return false;
  if (min !== undefined) at += 9;
  return (view.getUint8(at) === tags.max) === (max !== undefined);
}

function patchValue(view: DataView, countAt: number, { count, sum, min, max, buckets }: Histogram): void {
  setCount(view, countAt, count);
  let at = countAt + 8;
  if (sum !== undefined) {
    view.setFloat64(at + 1, sum, true);
    at += 9;
  }
  if (min !== undefined) {
    view.setFloat64(at + 1, min, true);
    at += 9;
  }
  if (max !== undefined) {
    view.setFloat64(at + 1, max, true);
    at += 9;
  }
  const { counts } = buckets;
  if (counts.length === 0) return;
  // Behind the tag and the length.
  at += 1 + varintWidth(counts.length * 8);
  for (let index = 0; index < counts.length; index++, at += 8) setCount(view, at, counts[index]!);
}

function writeCount(writer: ByteWriter, tag: number, count: number): void {
  writer.fixed64(tag, count % 4294967296, Math.floor(count / 4294967296));
}
