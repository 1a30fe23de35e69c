/**
 * What the fields of a format's events are to the one who meters them, by name. All others are passed over.
 *
 * - `output`: its text is what the model writes.
 * - `told`: usage or an error. An event with one is parsed.
 * - `sums`: usage up to now, maybe in each event; of those that tell the same counts the last is parsed.
 * - `end`: in one of the answers that an event holds: this answer is at its end. An event with one is parsed.
 */
export type FieldMeanings = Readonly<Record<string, FieldMeaning>>;

type FieldMeaning = "output" | "told" | "sums" | "end";

export const outputField = 1;
const toldField = 2;
export const sumsField = 3;
export const endField = 4;

const codes: Readonly<Record<FieldMeaning, number>> = {
  output: outputField,
  told: toldField,
  sums: sumsField,
  end: endField,
};

/** Names by their length, which few share. */
export type NameTable = readonly (readonly FieldName[])[];

interface FieldName {
  readonly bytes: Uint8Array;
  readonly meaning: number;
}

/** Made once for each format. */
export function nameTableOf(meanings: FieldMeanings): NameTable {
  const known = tables.get(meanings);
  if (known !== undefined) return known;
  const table: FieldName[][] = Array.from({ length: longestName + 1 }, () => []);
  for (const [name, meaning] of Object.entries(meanings)) {
    table[name.length]?.push({ bytes: Buffer.from(name), meaning: codes[meaning] });
  }
  tables.set(meanings, table);
  return table;
}

const tables = new WeakMap<FieldMeanings, NameTable>();

/** What the field is whose name stands between these bytes; 0 for nothing. */
export function meaningOf(table: NameTable, bytes: Uint8Array, from: number, to: number): number {
  const length = to - from;
  if (length > longestName) return 0;
  const names = table[length] as readonly FieldName[];
  for (let which = 0; which < names.length; which += 1) {
    const { bytes: name, meaning } = names[which] as FieldName;
    let index = 0;
    while (index < length && bytes[from + index] === name[index]) index += 1;
    if (index === length) return meaning;
  }
  return 0;
}

const longestName = 40;
