/**
 * The series with the same keys: rows of small integers, one for each key's value, in an open-addressed hash table. A row
 * is the slot plus 1 (0 is a free row), then the integers.
 */
export interface SeriesTable {
  readonly keys: readonly string[];
  readonly stride: number;
  rows: Int32Array;
  bits: number;
  size: number;
  /** Slot plus 1 at the position that the integers make, where these are few. */
  direct: Int32Array | undefined;
}

/** The hash of a row, needed when rows move. */
export type HashOfRow = (row: Int32Array) => number;

export function createSeriesTable(keys: readonly string[]): SeriesTable {
  const stride = keys.length + 1;
  return { keys, stride, rows: new Int32Array(stride << smallestBits), bits: smallestBits, size: 0, direct: undefined };
}

const smallestBits = 3;

/** The slot of the row with these integers, or -1. */
export function findRow(table: SeriesTable, hash: number, wanted: Int32Array): number {
  const { rows, stride, bits } = table;
  const mask = (1 << bits) - 1;
  for (let position = startOf(hash, bits); ; position = (position + 1) & mask) {
    const at = position * stride;
    const slot = rows[at]!;
    if (slot === 0) return -1;
    let column = 1;
    while (column < stride && rows[at + column] === wanted[column - 1]) column++;
    if (column === stride) return slot - 1;
  }
}

/** Adds a row that is not there yet. Returns whether the table grew. */
export function insertRow(table: SeriesTable, row: Int32Array, slot: number, hashOf: HashOfRow): boolean {
  const grows = isFull(table);
  if (grows) grow(table, hashOf);
  place(table, hashOf(row), slot + 1, row);
  table.size++;
  return grows;
}

/** Fills an array of so many positions with the slots of all rows; 0 positions: none is needed. */
export function placeDirectly(table: SeriesTable, positions: number, positionOf: (row: Int32Array) => number): void {
  table.direct = positions === 0 ? undefined : new Int32Array(positions);
  if (table.direct === undefined) return;
  const { rows, stride } = table;
  for (let at = 0; at < rows.length; at += stride) {
    if (rows[at] !== 0) table.direct[positionOf(rows.subarray(at + 1, at + stride))] = rows[at]!;
  }
}

/** Removes a row. Those that had to make way for it move back, so that no gap hides them. */
export function removeRow(table: SeriesTable, wanted: Int32Array, hashOf: HashOfRow): void {
  const { rows, stride, bits } = table;
  const mask = (1 << bits) - 1;
  let gap = startOf(hashOf(wanted), bits);
  while (!wanted.every((id, column) => rows[gap * stride + 1 + column] === id)) gap = (gap + 1) & mask;
  for (let position = (gap + 1) & mask; rows[position * stride] !== 0; position = (position + 1) & mask) {
    const at = position * stride;
    const home = startOf(hashOf(rows.subarray(at + 1, at + stride)), bits);
    // A row may fill the gap when the gap is not before its home, seen from where it is.
    if (((position - home) & mask) < ((position - gap) & mask)) continue;
    rows.copyWithin(gap * stride, at, at + stride);
    gap = position;
  }
  rows.fill(0, gap * stride, (gap + 1) * stride);
  table.size--;
}

/** Sparse while it is small, where each collision would cost more than the memory; dense when it is large. */
function isFull({ size, bits }: SeriesTable): boolean {
  const capacity = 2 ** bits;
  return size + 1 > capacity * (bits <= 13 ? 0.25 : 0.8);
}

function grow(table: SeriesTable, hashOf: HashOfRow): void {
  const { rows, stride } = table;
  table.bits++;
  table.rows = new Int32Array(stride << table.bits);
  for (let at = 0; at < rows.length; at += stride) {
    if (rows[at] === 0) continue;
    const row = rows.subarray(at + 1, at + stride);
    place(table, hashOf(row), rows[at]!, row);
  }
}

function place(table: SeriesTable, hash: number, slotAndOne: number, row: Int32Array): void {
  const mask = (1 << table.bits) - 1;
  let position = startOf(hash, table.bits);
  while (table.rows[position * table.stride] !== 0) position = (position + 1) & mask;
  table.rows[position * table.stride] = slotAndOne;
  table.rows.set(row, position * table.stride + 1);
}

/** Mixes the bits well: neighbouring integers are the rule, and rows in a heap would be walked through one by one. */
function startOf(hash: number, bits: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b_3c6d);
  return Math.imul(mixed ^ (mixed >>> 12), 0x297a_2d39) >>> (32 - bits);
}
