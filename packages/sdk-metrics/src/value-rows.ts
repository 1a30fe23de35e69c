import { DataPointType } from "./official-enums.ts";
import { foldSum, settledSum } from "./finite-sum.ts";
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
      foldSum(from, fromAt + 1, to, toAt + 1);
    },
    read: readSum,
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

function readSum(rows: Float64Array, at: number, tooLarge: () => void): number {
  return settledSum(rows, at + 1, tooLarge);
}

function clearValue(rows: Float64Array, at: number): void {
  rows[at] = 0;
  rows[at + 1] = 0;
}

function readValue(rows: Float64Array, at: number): number {
  return rows[at + 1]!;
}
