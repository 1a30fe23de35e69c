import type { Buckets } from "./bucket-of.ts";
import type { DataPointType } from "@opentelemetry/sdk-metrics";

/**
 * How one kind of aggregation keeps a series: as a row of doubles, the first of which is the epoch in which the series was
 * last recorded, 0 for not at all. Doubles count to 2^53 without loss.
 */
export interface RowKind {
  /** Doubles for each series. */
  readonly stride: number;
  readonly dataPointType: DataPointType;
  /** Of sums alone. */
  readonly isMonotonic?: boolean;
  /** Of histograms with explicit buckets alone. A row is as `histogramRows` says. */
  readonly buckets?: Buckets;
  /** Empties a row, or fills in a new one. */
  clear(rows: Float64Array, at: number): void;
  /** Records a finite value. Marking the epoch is the caller's. */
  record(rows: Float64Array, at: number, value: number): void;
  /** Adds what one row holds to another of later, or equal, begin. */
  fold(from: Float64Array, fromAt: number, to: Float64Array, toAt: number): void;
  /** The value of a data point: new objects each time, for whoever gets them may keep them. `tooLarge` is told of a sum beyond all numbers. */
  read(rows: Float64Array, at: number, tooLarge: () => void): unknown;
}
