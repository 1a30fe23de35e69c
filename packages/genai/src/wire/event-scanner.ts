import { endField, meaningOf, nameTableOf, outputField, sumsField, type FieldMeanings } from "./field-names.ts";
import { createKnownShape } from "./known-shape.ts";
import { afterEscape, type OutputMeasure } from "./output-measure.ts";

/**
 * Looks through an event's JSON byte by byte, without parsing it: parsing each of 10,000 events would cost as much as the client's own work.
 * Where strings begin and end is known all along, so that words in a model's answer are never taken for fields.
 */
export interface EventScanner {
  /** Looks at one line from `from` on. Returns where it ends: the index of its line break, or `limit`. */
  scan(bytes: Uint8Array, from: number, limit: number): number;
  /** Of the line scanned last: a field that is told, or an end, has a value other than null, and not deeper in the event than they are. */
  readonly tells: boolean;
  /** Of the line scanned last: from where to where sums reach; -1 without any. */
  readonly sumsFrom: number;
  readonly sumsTo: number;
  /** Of the line scanned last: it holds whole JSON, from an opening bracket to the closing one. */
  readonly isWhole: boolean;
  /** Of the line scanned last: where the name of sums that are null begins and where that null ends; -1 without one. */
  readonly nullFrom: number;
  readonly nullTo: number;
}

export function createEventScanner(meanings: FieldMeanings, output: OutputMeasure): EventScanner {
  const names = nameTableOf(meanings);
  const shape = createKnownShape();
  const found = { scan, tells: false, sumsFrom: -1, sumsTo: -1, isWhole: false, nullFrom: -1, nullTo: -1 };

  function scan(bytes: Uint8Array, from: number, limit: number): number {
    let tells = false;
    let nullFrom = -1;
    let nullTo = -1;
    let sumsFrom = -1;
    let sumsTo = -1;
    let depth = 0;
    let brackets = 0;
    let isOutput = false;
    let index = from;
    // Of the first text in the line, for learning: where it is, and the last string behind it that nothing is told before.
    let textFrom = -1;
    let textDepth = 0;
    let restFrom = -1;
    // With another text behind it: what is looked up would not be measured.
    let hasMore = false;
    let resumeFrom = -1;
    let resumeDepth = 0;

    if (shape.textAt > 0 && shape.matches(bytes, from, limit)) {
      textFrom = from + shape.textAt;
      index = output.measure(bytes, textFrom + 1, limit);
      depth = shape.textDepth;
      brackets = 1;
      if (index < limit && bytes[index] === quote) {
        index += 1;
        const same = shape.sameRest(bytes, index, limit);
        const isSame = shape.isWhole && same === shape.restLength;
        if (isSame || (shape.resumeAt >= 0 && same >= shape.resumeAt)) {
          if (shape.nullFrom >= 0 && (isSame || shape.nullTo <= shape.resumeAt)) {
            nullFrom = index + shape.nullFrom;
            nullTo = index + shape.nullTo;
          }
          depth = isSame ? 0 : shape.resumeDepth;
          index += isSame ? same : shape.resumeAt;
        }
      }
    }
    while (index < limit) {
      const byte = bytes[index] as number;
      if (isPlain[byte] === 1) {
        index += 1;
      } else if (byte === quote) {
        index += 1;
        const begin = index;
        if (isOutput) {
          index = output.measure(bytes, begin, limit);
          isOutput = false;
          if (textFrom < 0 && !tells && sumsFrom < 0 && nullFrom < 0) {
            textFrom = begin - 1;
            textDepth = depth;
            restFrom = index + 1;
          } else if (index > begin) {
            hasMore = true;
          }
        } else {
          if (restFrom >= 0 && !tells && sumsFrom < 0) {
            resumeFrom = begin - 1;
            resumeDepth = depth;
          }
          const near = begin + longString;
          while (index < near && isPlainInString[bytes[index] as number] === 1) index += 1;
          if (bytes[index] !== quote) index = endOfString(bytes, index, limit);
        }
        const end = index;
        if (index < limit && bytes[index] === quote) index += 1;
        if (bytes[index] !== colon) {
          if (bytes[index] !== space || bytes[index + 1] !== colon) continue;
          index += 1;
        }
        index += 1;
        const meaning = meaningOf(names, bytes, begin, end);
        if (meaning === 0) continue;
        if (meaning === outputField) {
          isOutput = true;
          continue;
        }
        while (bytes[index] === space) index += 1;
        const isNull = bytes[index] === letterN;
        if (meaning !== sumsField) {
          if (!isNull && depth <= (meaning === endField ? deepestEnd : deepestTold)) tells = true;
        } else if (depth !== 1) {
          // In a model's arguments for a tool, or in another object of the event.
          if (!isNull && depth <= deepestTold) tells = true;
        } else if (isNull) {
          nullFrom = begin - 1;
          nullTo = index + 4;
        } else {
          sumsFrom = index;
        }
      } else if (byte === newline) {
        break;
      } else {
        if (byte === closeBrace || byte === closeBracket) {
          depth -= 1;
          if (depth === 1 && sumsFrom >= 0 && sumsTo < 0) sumsTo = index + 1;
        } else {
          isOutput = false;
          if (byte !== comma) {
            depth += 1;
            brackets += 1;
          }
        }
        index += 1;
      }
    }
    const end = index < limit ? index : limit;
    found.tells = tells;
    found.sumsFrom = sumsFrom;
    found.sumsTo = sumsTo;
    found.isWhole = brackets > 0 && depth === 0;
    found.nullFrom = nullFrom;
    found.nullTo = nullTo;
    if (restFrom >= 0 && found.isWhole && !hasMore) {
      const isWhole = !tells && sumsFrom < 0;
      const to = isWhole ? end : resumeFrom;
      shape.learn(bytes, {
        from,
        textFrom,
        textDepth,
        restFrom,
        to,
        isWhole,
        resumeFrom,
        resumeDepth,
        nullFrom,
        nullTo,
      });
    }
    return end;
  }

  return found;
}

/** Usage stands in the event itself, or in the message, response or metadata that it holds. */
const deepestTold = 2;
/** Answers stand in a list of them. */
const deepestEnd = 3;

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

/** Bytes that say nothing, outside of strings and in them: one look into a table is twice as fast as a chain of comparisons. */
const isPlain: Uint8Array = allBytesBut(newline, quote, comma, openBracket, closeBracket, openBrace, closeBrace);
const isPlainInString: Uint8Array = allBytesBut(newline, quote, backslash);

function allBytesBut(...special: readonly number[]): Uint8Array {
  const table = new Uint8Array(256).fill(1);
  for (const byte of special) table[byte] = 0;
  return table;
}

/** From here on a string is searched for its end instead of walked: pictures and whole answers are long. */
const longString = 64;

/** Where the string ends that has gone on until `from`: at its quote, at a line break or at the limit. */
function endOfString(bytes: Uint8Array, from: number, limit: number): number {
  let index = from;
  for (const near = Math.min(limit, from + longString); index < near;) {
    const byte = bytes[index] as number;
    if (isPlainInString[byte] === 1) index += 1;
    else if (byte === backslash) index = afterEscape(bytes, index);
    else return index;
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
