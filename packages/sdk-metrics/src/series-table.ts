/**
 * The series with the same keys: an array with a place for each position where these are few, else an open-addressed hash
 * table. A row of that is the slot plus 1 (0 is a free row), then the integers that identify the series: one position, or an integer
 * for each key.
 */
export interface SeriesTable {
  readonly keys: readonly string[];
  /** Slot plus 1 at each position; undefined where series are hashed. */
  direct: Int32Array | undefined;
  /** Integers in a row. */
  stride: number;
  rows: Int32Array;
  bits: number;
  size: number;
}

/** The hash of what identifies a row. */
export type HashOfRow = (identity: Int32Array) => number;

export function createSeriesTable(keys: readonly string[], identitySize: number): SeriesTable {
  const stride = identitySize + 1;
  return { keys, stride, rows: new Int32Array(stride << smallestBits), bits: smallestBits, size: 0, direct: undefined };
}

const smallestBits = 3;

/** The slot of the series that these integers identify, or -1. */
export function findIdentity(table: SeriesTable, identity: Int32Array, hashOf: HashOfRow): number {
  return table.direct === undefined ? findRow(table, hashOf(identity), identity) : table.direct[identity[0]!]! - 1;
}

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

/** Adds a series that is not there yet. There are so many positions; 0 where series are not identified by one. */
export function insertRow(
  table: SeriesTable,
  identity: Int32Array,
  slot: number,
  positions: number,
  hashOf: HashOfRow,
): void {
  if (table.direct === undefined && isFull(table.size + 1, table.bits)) {
    rebuildTable(table, identity.length, positions, eachRow(table), hashOf);
  }
  put(table, identity, slot, hashOf);
  table.size++;
}

/** Removes a series. Rows that had to make way for it move back, so that no gap hides them. */
export function removeRow(table: SeriesTable, wanted: Int32Array, hashOf: HashOfRow): void {
  table.size--;
  if (table.direct !== undefined) {
    table.direct[wanted[0]!] = 0;
    return;
  }
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
}

export interface TableRow {
  readonly slot: number;
  identity: Int32Array;
}

/** All series, with what `read` makes of their identities. */
export function eachRow(
  { direct, rows, stride }: SeriesTable,
  read: (identity: Int32Array) => Int32Array = (identity) => identity,
): TableRow[] {
  const found: TableRow[] = [];
  if (direct !== undefined) {
    for (const [position, slot] of direct.entries()) {
      if (slot !== 0) found.push({ slot: slot - 1, identity: read(Int32Array.of(position)) });
    }
    return found;
  }
  for (let at = 0; at < rows.length; at += stride) {
    if (rows[at] !== 0) found.push({ slot: rows[at]! - 1, identity: read(rows.subarray(at + 1, at + stride)) });
  }
  return found;
}

/** Fills the table anew with room for one series more, under identities that may be others. */
export function rebuildTable(
  table: SeriesTable,
  identitySize: number,
  positions: number,
  rows: readonly TableRow[],
  hashOf: HashOfRow,
): void {
  table.bits = smallestBits;
  while (isFull(rows.length + 1, table.bits)) table.bits++;
  // Four places for each row of a hash table take twice its memory, and half the time.
  const isDirect = positions > 0 && positions <= 4 * 2 ** table.bits;
  table.direct = isDirect ? new Int32Array(positions) : undefined;
  table.stride = identitySize + 1;
  table.rows = new Int32Array(isDirect ? 0 : table.stride << table.bits);
  for (const { slot, identity } of rows) put(table, identity, slot, hashOf);
}

/** Sparse while it is small, where each collision would cost more than the memory; dense when it is large. */
function isFull(size: number, bits: number): boolean {
  return size > 2 ** bits * (bits <= 12 ? 0.25 : 0.8);
}

function put({ direct, rows, stride, bits }: SeriesTable, identity: Int32Array, slot: number, hashOf: HashOfRow): void {
  if (direct !== undefined) {
    direct[identity[0]!] = slot + 1;
    return;
  }
  const mask = (1 << bits) - 1;
  let found = startOf(hashOf(identity), bits);
  while (rows[found * stride] !== 0) found = (found + 1) & mask;
  rows[found * stride] = slot + 1;
  rows.set(identity, found * stride + 1);
}

/** Mixes the bits well: neighbouring integers are the rule, and rows in a heap would be walked through one by one. */
function startOf(hash: number, bits: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b_3c6d);
  return Math.imul(mixed ^ (mixed >>> 12), 0x297a_2d39) >>> (32 - bits);
}
