import { DataPointType } from "./official-enums.ts";
import type { RowKind } from "./row-kind.ts";

/** Sums: `[epoch, sum]`. */
export function sumRows(isMonotonic: boolean): RowKind {
  return {
    stride: 2,
    dataPointType: DataPointType.SUM,
    isMonotonic,
    clear: clearValue,
    record(rows, at, value) {
      rows[at + 1]! += value;
    },
    fold(from, fromAt, to, toAt) {
      to[toAt] = from[fromAt]!;
      to[toAt + 1]! += from[fromAt + 1]!;
    },
    read: readValue,
  };
}

/** Gauges: `[epoch, value]`. */
export const lastValueRows: RowKind = {
  stride: 2,
  dataPointType: DataPointType.GAUGE,
  clear: clearValue,
  record(rows, at, value) {
    rows[at + 1] = value;
  },
  fold(from, fromAt, to, toAt) {
    to[toAt] = from[fromAt]!;
    to[toAt + 1] = from[fromAt + 1]!;
  },
  read: readValue,
};

function clearValue(rows: Float64Array, at: number): void {
  rows[at] = 0;
  rows[at + 1] = 0;
}

function readValue(rows: Float64Array, at: number): number {
  return rows[at + 1]!;
}
