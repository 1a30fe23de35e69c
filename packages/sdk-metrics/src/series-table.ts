/**
 * The series with the same keys, in an open-addressed hash table. A row is the slot plus 1 (0 is a free row), then the
 * integers that identify the series: one position, or an integer for each key.
 */
export interface SeriesTable {
  readonly keys: readonly string[];
  /** Integers in a row. */
  stride: number;
  rows: Int32Array;
  bits: number;
  size: number;
  /** Slot plus 1 at each position, where these are few. */
  direct: Int32Array | undefined;
}

/** The hash of what identifies a row. */
export type HashOfRow = (identity: Int32Array) => number;

export function createSeriesTable(keys: readonly string[], identitySize: number): SeriesTable {
  const stride = identitySize + 1;
  return { keys, stride, rows: new Int32Array(stride << smallestBits), bits: smallestBits, size: 0, direct: undefined };
}

const smallestBits = 3;

/** The slot of the row with these integers, or -1. */
export function findRow(table: SeriesTable, hash: number, wanted: Int32Array): number {
  const { rows, stride, bits } = table;
  const mask = (1 << bits) - 1;
  for (let row = startOf(hash, bits); ; row = (row + 1) & mask) {
    const at = row * stride;
    const slot = rows[at]!;
    if (slot === 0) return -1;
    let column = 1;
    while (column < stride && rows[at + column] === wanted[column - 1]) column++;
    if (column === stride) return slot - 1;
  }
}

/** The same for rows that a position identifies, which is its own hash. */
export function findPosition({ rows, bits }: SeriesTable, position: number): number {
  const mask = (1 << bits) - 1;
  for (let row = startOf(position, bits); ; row = (row + 1) & mask) {
    const slot = rows[row * 2]!;
    if (slot === 0 || rows[row * 2 + 1] === position) return slot - 1;
  }
}

/** Adds a row that is not there yet. Returns whether the table grew. */
export function insertRow(table: SeriesTable, identity: Int32Array, slot: number, hashOf: HashOfRow): boolean {
  const grows = isFull(table.size + 1, table.bits);
  if (grows) rebuildTable(table, identity.length, eachRow(table), hashOf);
  place(table, hashOf(identity), slot, identity);
  table.size++;
  return grows;
}

/** Removes a row. Those that had to make way for it move back, so that no gap hides them. */
export function removeRow(table: SeriesTable, wanted: Int32Array, hashOf: HashOfRow): void {
  const { rows, stride, bits } = table;
  const mask = (1 << bits) - 1;
  let gap = startOf(hashOf(wanted), bits);
  while (!wanted.every((each, column) => rows[gap * stride + 1 + column] === each)) gap = (gap + 1) & mask;
  for (let from = (gap + 1) & mask; rows[from * stride] !== 0; from = (from + 1) & mask) {
    const at = from * stride;
    const home = startOf(hashOf(rows.subarray(at + 1, at + stride)), bits);
    // A row may fill the gap when the gap is not before its home, seen from where it is.
    if (((from - home) & mask) < ((from - gap) & mask)) continue;
    rows.copyWithin(gap * stride, at, at + stride);
    gap = from;
  }
  rows.fill(0, gap * stride, (gap + 1) * stride);
  table.size--;
}

export interface TableRow {
  readonly slot: number;
  identity: Int32Array;
}

/** All rows, with what `read` makes of their identities. */
export function eachRow(
  { rows, stride }: SeriesTable,
  read: (identity: Int32Array) => Int32Array = (identity) => identity,
): TableRow[] {
  const found: TableRow[] = [];
  for (let at = 0; at < rows.length; at += stride) {
    if (rows[at] !== 0) found.push({ slot: rows[at]! - 1, identity: read(rows.subarray(at + 1, at + stride)) });
  }
  return found;
}

/** Fills an array of so many positions with the slots. */
export function placeDirectly(table: SeriesTable, positions: number): void {
  const { rows } = table;
  table.direct = new Int32Array(positions);
  for (let at = 0; at < rows.length; at += 2) if (rows[at] !== 0) table.direct[rows[at + 1]!] = rows[at]!;
}

/** Fills the table anew with room for one row more, under identities that may be others. */
export function rebuildTable(
  table: SeriesTable,
  identitySize: number,
  rows: readonly TableRow[],
  hashOf: HashOfRow,
): void {
  while (isFull(rows.length + 1, table.bits)) table.bits++;
  table.stride = identitySize + 1;
  table.rows = new Int32Array(table.stride << table.bits);
  for (const { slot, identity } of rows) place(table, hashOf(identity), slot, identity);
}

/** Sparse while it is small, where each collision would cost more than the memory; dense when it is large. */
function isFull(size: number, bits: number): boolean {
  return size > 2 ** bits * (bits <= 12 ? 0.25 : 0.8);
}

function place(table: SeriesTable, hash: number, slot: number, identity: Int32Array): void {
  const mask = (1 << table.bits) - 1;
  let found = startOf(hash, table.bits);
  while (table.rows[found * table.stride] !== 0) found = (found + 1) & mask;
  table.rows[found * table.stride] = slot + 1;
  table.rows.set(identity, found * table.stride + 1);
}

/** Mixes the bits well: neighbouring integers are the rule, and rows in a heap would be walked through one by one. */
function startOf(hash: number, bits: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b_3c6d);
  return Math.imul(mixed ^ (mixed >>> 12), 0x297a_2d39) >>> (32 - bits);
}
