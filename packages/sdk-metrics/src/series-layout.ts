import type { Attributes } from "@opentelemetry/api";
import { forgetSteps } from "./attribute-steps.ts";
import { idOf } from "./key-values.ts";
import type { SeriesIndex } from "./series-index.ts";
import { eachRow, rebuildTable, type HashOfRow, type SeriesTable } from "./series-table.ts";

/** Gives each key as many bits as its values need, and all series their identities anew. */
export function layOut(index: SeriesIndex): void {
  const tables = [...index.tables.values()].map((table) => ({ table, rows: eachRow(table, readerOf(index, table)) }));
  let total = 0;
  for (const values of index.values.values()) {
    values.bits = Math.ceil(Math.log2(Math.max(1, values.given)));
    values.shift = total;
    total += values.bits;
  }
  index.bits = total;
  index.isPacked = total <= mostBits;
  for (const { table, rows } of tables) {
    for (const row of rows) row.identity = identityOf(index, table, row.identity);
    rebuildTable(table, index.isPacked ? 1 : table.keys.length, positionsOf(index), rows, hasher(index, table));
  }
  forgetSteps(index);
}

/** Positions are kept in a positive integer of 31 bits. */
const mostBits = 30;

/** How many positions there are; 0 where series are known by several integers. */
export function positionsOf({ isPacked, bits }: SeriesIndex): number {
  return isPacked ? 2 ** bits : 0;
}

/** What identifies the series in its table. */
export function identityOf(index: SeriesIndex, { keys }: SeriesTable, ids: Int32Array): Int32Array {
  if (!index.isPacked) return ids;
  let position = 0;
  for (let at = 0; at < keys.length; at++) position += ids[at]! << index.values.get(keys[at]!)!.shift;
  return Int32Array.of(position);
}

/** Reads the integers of each key from what identifies a series now. */
function readerOf(index: SeriesIndex, { keys }: SeriesTable): (identity: Int32Array) => Int32Array {
  if (!index.isPacked) return (identity) => identity;
  const places = keys.map((key) => {
    const { shift, bits } = index.values.get(key)!;
    return { shift, mask: 2 ** bits - 1 };
  });
  return (identity) => {
    const ids = new Int32Array(places.length);
    for (let at = 0; at < places.length; at++) ids[at] = (identity[0]! >>> places[at]!.shift) & places[at]!.mask;
    return ids;
  };
}

/** The hash of what identifies the series. */
export function hasher(index: SeriesIndex, table: SeriesTable): HashOfRow {
  if (index.isPacked) return (identity) => identity[0]!;
  const multipliers = table.keys.map((key) => index.values.get(key)!.multiplier);
  return (identity) =>
    multipliers.reduce((hash, multiplier, at) => (hash + Math.imul(identity[at]!, multiplier)) | 0, 0);
}

/** The integers of clean attributes, undefined where a value is new. */
export function idsOf(index: SeriesIndex, table: SeriesTable, clean: Attributes): Int32Array | undefined {
  const ids = new Int32Array(table.keys.length);
  for (const [at, key] of table.keys.entries()) {
    const id = idOf(index.values.get(key)!, clean[key]);
    if (id === undefined) return undefined;
    ids[at] = id;
  }
  return ids;
}
