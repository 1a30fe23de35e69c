import { textIn, type TextAmount } from "./text-amount.ts";

/** Estimates tokens where a provider tells none. */
export interface TokenCounter {
  /** `sample` is a part of the text, as it is written in JSON, or undefined where none was kept. Returns at once. */
  tokens(amount: TextAmount, model: string, sample: string | undefined): number;
}

/** By characters alone: about four to a token, and about one in East Asia's scripts. */
export const characterCounter: TokenCounter = { tokens: (amount) => Math.ceil(byCharacters(amount)) };

/**
 * Counts a sample's tokens by `count`, and takes the rest of the text to be like it. Where `count` throws, returns no number, or is not there yet,
 * characters are counted.
 */
export function sampledCounter(count: (text: string, model: string) => number | undefined): TokenCounter {
  return {
    tokens(amount, model, sample) {
      const whole = byCharacters(amount);
      const text = sample === undefined ? "" : withoutEscapes(sample);
      const part = byCharacters(textIn(text));
      const counted = part === 0 ? undefined : countedBy(count, text, model);
      // A sample may hold more than is counted, as where its last character was cut.
      return Math.ceil(counted === undefined ? whole : counted * Math.max(whole / part, 0));
    },
  };
}

const charactersToToken = 4;
const charactersToWideToken = 1.3;

function byCharacters({ characters, wideCharacters }: TextAmount): number {
  return (characters - wideCharacters) / charactersToToken + wideCharacters / charactersToWideToken;
}

function countedBy(
  count: (text: string, model: string) => number | undefined,
  text: string,
  model: string,
): number | undefined {
  try {
    const tokens = count(text, model);
    return Number.isFinite(tokens) && (tokens as number) >= 0 ? tokens : undefined;
  } catch {
    return undefined;
  }
}

/** A sample may end within an escape, which is left out. */
function withoutEscapes(sample: string): string {
  if (!sample.includes("\\")) return sample;
  try {
    return JSON.parse(`"${sample.replace(/(?<!\\)((?:\\\\)*)\\(?:u[\da-f]{0,3})?$/i, "$1")}"`) as string;
  } catch {
    return sample;
  }
}
