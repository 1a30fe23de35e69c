import { afterEscape, type OutputMeasure } from "./output-measure.ts";

/** What the fields of a format's events are to the one who meters them, by name. All others are passed over. */
export type FieldMeanings = Readonly<Record<string, "output" | "told">>;

/**
 * Looks through an event's JSON byte by byte, without parsing it: parsing each of 10,000 events would cost as much as the client's own work.
 * Where strings begin and end is known all along, so that words in a model's answer are never taken for fields.
 */
export interface EventScanner {
  /** Looks at one line from `from` on. Returns where it ends: the index of its line break, or `limit`. */
  scan(bytes: Uint8Array, from: number, limit: number): number;
  /** Of the line scanned last: a told field (not deeper than in an object of the event) has a value other than null. */
  readonly tells: boolean;
  /** Of the line scanned last: it holds whole JSON, from an opening bracket to the closing one. */
  readonly isWhole: boolean;
  /** Of the line scanned last: where the name of a told field that is null begins and where that null ends; -1 without one. */
  readonly nullFrom: number;
  readonly nullTo: number;
}

export function createEventScanner(meanings: FieldMeanings, output: OutputMeasure): EventScanner {
  const table = tableOf(meanings);
  const found = { scan, tells: false, isWhole: false, nullFrom: -1, nullTo: -1 };

  function scan(bytes: Uint8Array, from: number, limit: number): number {
    let tells = false;
    let nullFrom = -1;
    let nullTo = -1;
    let depth = 0;
    let brackets = 0;
    let isOutput = false;
    let index = from;
    while (index < limit) {
      const byte = bytes[index] as number;
      if (byte === quote) {
        const begin = index + 1;
        index = isOutput ? output.measure(bytes, begin, limit) : endOfString(bytes, begin, limit);
        const end = index;
        isOutput = false;
        if (bytes[index] !== quote) continue;
        index += 1;
        if (bytes[index] !== colon) {
          if (bytes[index] !== space || bytes[index + 1] !== colon) continue;
          index += 1;
        }
        index += 1;
        const meaning = meaningOf(table, bytes, begin, end);
        if (meaning === undefined) continue;
        if (meaning === "output") {
          isOutput = true;
          continue;
        }
        if (depth > deepestTold) continue;
        while (bytes[index] === space) index += 1;
        if (bytes[index] === letterN) {
          nullFrom = begin - 1;
          nullTo = index + 4;
        } else {
          tells = true;
        }
        continue;
      }
      if (byte === newline) break;
      if (byte === comma) {
        isOutput = false;
      } else if (byte === openBrace || byte === openBracket) {
        isOutput = false;
        depth += 1;
        brackets += 1;
      } else if (byte === closeBrace || byte === closeBracket) {
        depth -= 1;
      }
      index += 1;
    }
    found.tells = tells;
    found.isWhole = brackets > 0 && depth === 0;
    found.nullFrom = nullFrom;
    found.nullTo = nullTo;
    return index;
  }

  return found;
}

/** Usage stands in the event itself, or in the message, response or metadata that it holds. */
const deepestTold = 2;

const newline = 10;
const space = 32;
const quote = 34;
const comma = 44;
const colon = 58;
const openBracket = 91;
const backslash = 92;
const closeBracket = 93;
const letterN = 110;
const openBrace = 123;
const closeBrace = 125;

/** From here on a string is searched for its end instead of walked: pictures and whole answers are long. */
const longString = 64;

function endOfString(bytes: Uint8Array, from: number, limit: number): number {
  const near = Math.min(limit, from + longString);
  let index = from;
  while (index < near) {
    const byte = bytes[index] as number;
    if (byte === quote || byte === newline) return index;
    index = byte === backslash ? afterEscape(bytes, index) : index + 1;
  }
  return index >= limit ? limit : endOfLongString(bytes, index, limit);
}

function endOfLongString(bytes: Uint8Array, from: number, limit: number): number {
  const lineBreak = indexOf.call(bytes, newline, from);
  const end = lineBreak < 0 || lineBreak > limit ? limit : lineBreak;
  for (let index = from; ;) {
    const close = indexOf.call(bytes, quote, index);
    if (close < 0 || close >= end) return end;
    let before = close - 1;
    while (before >= from && bytes[before] === backslash) before -= 1;
    if ((close - before) % 2 === 1) return close;
    index = close + 1;
  }
}

/** Of a Buffer, because that of a typed array takes three times as long. It reads any bytes. */
const indexOf: (this: Uint8Array, byte: number, from: number) => number = Buffer.prototype.indexOf;

interface Name {
  readonly bytes: Uint8Array;
  readonly meaning: "output" | "told";
}

/** Names by their length, which few share. */
function tableOf(meanings: FieldMeanings): readonly (readonly Name[] | undefined)[] {
  const table: Name[][] = [];
  for (const [name, meaning] of Object.entries(meanings)) {
    (table[name.length] ??= []).push({ bytes: Buffer.from(name), meaning });
  }
  return Array.from(table);
}

function meaningOf(
  table: readonly (readonly Name[] | undefined)[],
  bytes: Uint8Array,
  from: number,
  to: number,
): "output" | "told" | undefined {
  const names = table[to - from];
  if (names === undefined) return undefined;
  for (const { bytes: name, meaning } of names) {
    let index = 0;
    while (index < name.length && bytes[from + index] === name[index]) index += 1;
    if (index === name.length) return meaning;
  }
  return undefined;
}
