import type { TextAmount } from "./text-amount.ts";

/** Estimates tokens where a provider tells none. */
export interface TokenCounter {
  /** `sample` is a part of the text, or undefined where none was kept. Returns at once. */
  tokens(amount: TextAmount, model: string, sample: string | undefined): number;
}

/** By characters alone: about four to a token, and about one in East Asia's scripts. */
export const characterCounter: TokenCounter = {
  tokens: ({ characters, wideCharacters }) =>
    Math.ceil((characters - wideCharacters) / 4 + wideCharacters / charactersToWideToken),
};

const charactersToWideToken = 1.3;
