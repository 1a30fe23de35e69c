import type { Attributes } from "@opentelemetry/api";
import type { DataPoint } from "@opentelemetry/sdk-metrics";
import { type ByteWriter, createByteWriter } from "./byte-writer.ts";

/** The points of one metric in protobuf, each as a field 1 of the metric's data, kept from export to export. */
export interface PointBytes<Value> {
  /** Makes `bytes` those of these points. */
  update(points: readonly DataPoint<Value>[]): void;
  readonly bytes: Uint8Array;
  /**
   * Writes the numbers of these points over a copy of `bytes` that begins at `at`. False: they are not the points of the last update, and
   * the copy is of no use any more.
   */
  patchCopy(copy: DataView, at: number, points: readonly DataPoint<Value>[]): boolean;
}

/** How one kind of point is written. */
export interface PointLayout<Value> {
  write(writer: ByteWriter, point: DataPoint<Value>): void;
  /** Writes what has a fixed width over the bytes that begin at `start`. False: they have another form, and nothing was written. */
  patch(view: DataView, start: number, point: DataPoint<Value>): boolean;
}

/**
 * A series that comes again at the same place keeps its bytes, and its numbers are written over. The first that does not, and all
 * behind it, are written anew: series come at the end and go seldom. A series is known by its attribute object, which nobody changes.
 */
export function createPointBytes<Value>({ write, patch }: PointLayout<Value>): PointBytes<Value> {
  const writer = createByteWriter();
  let series: Attributes[] = [];
  let starts: number[] = [];
  let ends: number[] = [];

  /** How many of the points, from the first on, are where they were. */
  function patchFirst(view: DataView, at: number, points: readonly DataPoint<Value>[]): number {
    const most = Math.min(points.length, series.length);
    for (let index = 0; index < most; index++) {
      const point = points[index]!;
      if (point.attributes !== series[index] || !patch(view, at + starts[index]!, point)) return index;
    }
    return most;
  }

  return {
    get bytes() {
      return writer.bytes.subarray(0, writer.length);
    },
    update(points) {
      const kept = patchFirst(writer.view, 0, points);
      if (kept < series.length) {
        writer.truncate(ends[kept - 1] ?? 0);
        series = series.slice(0, kept);
        starts = starts.slice(0, kept);
        ends = ends.slice(0, kept);
      }
      for (const point of points.slice(kept)) {
        starts.push(writer.message(0x0a, () => write(writer, point)));
        ends.push(writer.length);
        series.push(point.attributes);
      }
    },
    patchCopy: (copy, at, points) => points.length === series.length && patchFirst(copy, at, points) === series.length,
  };
}
