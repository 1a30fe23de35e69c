import type { UsageFilter } from "../ledger-store.ts";
import type { Piece, ReadDialect } from "./read-dialect.ts";
import { type Dimension, dimensions } from "../rollups.ts";

/** The dimensions that a filter names, and what it wants of each. In rollup tables "not known" is the empty text. */
export function wantedOf(filter: UsageFilter = {}): ReadonlyMap<Dimension, string> {
  const wanted = new Map<Dimension, string>();
  for (const name of checkedDimensions(Object.keys(filter))) {
    const value = filter[name];
    if (value !== undefined) wanted.set(name, value ?? "");
  }
  return wanted;
}

/**
 * Each name once. Throws at any that is no dimension: it would get into SQL by its name, and a filter that is passed over
 * shows more than was asked for.
 */
export function checkedDimensions(names: readonly string[]): readonly Dimension[] {
  for (const name of names) {
    if (!dimensions.some((dimension) => dimension === name)) {
      const known = dimensions.join(", ");
      throw new Error(
        `[meterbridge] [ledger] usage is grouped and filtered by ${known}, found ${JSON.stringify(name)}`,
      );
    }
  }
  return dimensions.filter((dimension) => names.includes(dimension));
}

/** ` AND column = value` for each. */
export function matching(
  { sql, column }: ReadDialect,
  table: string,
  wanted: Iterable<readonly [string, string]>,
): Piece {
  const conditions = Array.from(wanted, ([name, value]) => sql` AND ${column(table, name)} = ${value}`);
  return sql.join(conditions, sql.raw(""));
}

/**
 * Whether a ledger can hold the text. One that it cannot matches no row: PostgreSQL would refuse the question, and SQLite mend
 * the text and answer for another.
 */
export function isStorable(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed();
}
