import type { RowKind } from "./row-kind.ts";
import { widerCapacity } from "./wider.ts";

/** The rows, grown so that the slot has one. */
export function withRow(kind: RowKind, rows: Float64Array, slot: number): Float64Array {
  const { stride } = kind;
  if ((slot + 1) * stride <= rows.length) return rows;
  const wider = new Float64Array(widerCapacity(rows.length / stride, slot + 1) * stride);
  wider.set(rows);
  for (let at = rows.length; at < wider.length; at += stride) kind.clear(wider, at);
  return wider;
}
