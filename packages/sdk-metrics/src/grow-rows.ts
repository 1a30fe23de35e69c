import type { RowKind } from "./row-kind.ts";

/** The rows, grown by doubling until the slot has one. */
export function withRow(kind: RowKind, rows: Float64Array, slot: number): Float64Array {
  const { stride } = kind;
  if ((slot + 1) * stride <= rows.length) return rows;
  let capacity = Math.max(4, rows.length / stride);
  while (capacity <= slot) capacity *= 2;
  const wider = new Float64Array(capacity * stride);
  wider.set(rows);
  for (let at = rows.length; at < wider.length; at += stride) kind.clear(wider, at);
  return wider;
}
