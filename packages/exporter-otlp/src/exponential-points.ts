import type { ExponentialHistogram } from "@opentelemetry/sdk-metrics";
import { writeAttributes } from "./attribute-bytes.ts";
import { type ByteWriter, setTime } from "./byte-writer.ts";
import { createPointBytes, type PointBytes } from "./point-bytes.ts";

/**
 * The points of an exponential histogram: `ExponentialHistogramDataPoint` (opentelemetry-proto, metrics/v1/metrics.proto). Their buckets
 * come and go, so that each point is written anew at each export.
 */
export function createExponentialPoints(): PointBytes<ExponentialHistogram> {
  return createPointBytes<ExponentialHistogram>({
    write(writer, { attributes, startTime, endTime, value }) {
      writeAttributes(writer, 0x0a, attributes);
      const at = writer.length;
      writer.fixed64(0x11, 0, 0);
      writer.fixed64(0x19, 0, 0);
      setTime(writer.view, at + 1, startTime);
      setTime(writer.view, at + 10, endTime);
      writeCount(writer, 0x21, value.count);
      if (value.sum !== undefined) writer.double(0x29, value.sum);
      if (value.scale !== 0) writer.varint(0x30, zigzag(value.scale));
      writeCount(writer, 0x39, value.zeroCount);
      writer.message(0x42, () => writeBuckets(writer, value.positive));
      writer.message(0x4a, () => writeBuckets(writer, value.negative));
      if (value.min !== undefined) writer.double(0x61, value.min);
      if (value.max !== undefined) writer.double(0x69, value.max);
    },
    patch: () => false,
  });
}

function writeBuckets(writer: ByteWriter, { offset, bucketCounts }: ExponentialHistogram["positive"]): void {
  if (offset !== 0) writer.varint(0x08, zigzag(offset));
  if (bucketCounts.length > 0) writer.packedVarints(0x12, bucketCounts);
}

function writeCount(writer: ByteWriter, tag: number, count: number): void {
  writer.fixed64(tag, count % 4294967296, Math.floor(count / 4294967296));
}

/** A sint32: small numbers of either sign are short. */
function zigzag(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0;
}
