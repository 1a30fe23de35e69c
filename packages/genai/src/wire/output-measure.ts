import { isWide, type TextAmount } from "./text-amount.ts";

/** Counts the characters of a model's answer as they pass, and keeps a bounded sample of them for an estimate of its tokens. */
export interface OutputMeasure {
  /** Measures a JSON string's content from `from`. Returns the index of its closing quote, or where the bytes or the line end. */
  measure(bytes: Uint8Array, from: number, limit: number): number;
  /** Measures text that was parsed. */
  add(text: TextAmount): void;
  characters(): number;
  amount(): TextAmount;
  /** The beginning of what passed, as it is written in JSON; undefined where nothing did. */
  sample(): string | undefined;
}

export function createOutputMeasure(): OutputMeasure {
  let characters = 0;
  let wideCharacters = 0;
  let kept: Buffer | undefined;
  let keptLength = 0;

  function keep(bytes: Uint8Array, from: number, to: number): void {
    kept ??= Buffer.allocUnsafe(sampleBytes);
    for (let index = from; index < to && keptLength < sampleBytes; index += 1) {
      kept[keptLength] = bytes[index] ?? 0;
      keptLength += 1;
    }
  }

  return {
    measure(bytes, from, limit) {
      let count = 0;
      let wide = 0;
      let index = from;
      while (index < limit) {
        const byte = bytes[index] ?? quote;
        if (byte === quote || byte === newline) break;
        if (byte === backslash) {
          // An escape: \n, or \u4e2d as some write whatever is not ASCII.
          if (bytes[index + 1] === letterU && isWide(codeOf(bytes, index + 2))) wide += 1;
          index = afterEscape(bytes, index);
          count += 1;
          continue;
        }
        // A character begins at each byte that does not continue one; from three bytes on it is mostly a wide one.
        if (byte < 0x80 || byte >= 0xc0) count += 1;
        if (byte >= firstOfWide) wide += 1;
        index += 1;
      }
      if (index > limit) index = limit;
      characters += count;
      wideCharacters += wide;
      if (keptLength < sampleBytes && count > 0) keep(bytes, from, index);
      return index;
    },
    add(text) {
      characters += text.characters;
      wideCharacters += text.wideCharacters;
    },
    characters: () => characters,
    amount: () => ({ characters, wideCharacters }),
    sample: () => kept?.toString("utf8", 0, keptLength),
  };
}

/** Where a JSON string goes on after the escape at `from`. Never beyond a line break, which no string has in it. */
export function afterEscape(bytes: Uint8Array, from: number): number {
  if (bytes[from + 1] === newline) return from + 1;
  if (bytes[from + 1] !== letterU) return from + 2;
  for (let index = from + 2; index < from + 6; index += 1) if (bytes[index] === newline) return index;
  return from + 6;
}

const sampleBytes = 2048;
const quote = 34;
const newline = 10;
const backslash = 92;
const letterU = 117;
/** The first byte of U+3000 in UTF-8. */
const firstOfWide = 0xe3;

function codeOf(bytes: Uint8Array, from: number): number {
  let code = 0;
  for (let index = from; index < from + 4; index += 1) {
    const byte = bytes[index] ?? 48;
    // 0 to 9 end in their value, a to f and A to F in theirs less nine.
    code = code * 16 + ((byte & 15) + (byte > 57 ? 9 : 0));
  }
  return code;
}
