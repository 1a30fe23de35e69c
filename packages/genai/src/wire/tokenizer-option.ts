import { findTokenizer, type CountTokens } from "./installed-tokenizer.ts";
import { characterCounter, sampledCounter, type TokenCounter } from "./token-counter.ts";

/**
 * How tokens are estimated where a provider tells none. `auto`: by the tokenizer that the app depends on (`gpt-tokenizer`, `js-tiktoken`,
 * `tiktoken`), loaded in the background when the first estimate is needed; by characters until then and without one. `characters`: by
 * characters alone. A function counts the tokens of a text of at most 2,048 bytes.
 */
export type TokenizerOption = "auto" | "characters" | ((text: string, model: string) => number);

export function tokenCounterOf(
  option: TokenizerOption,
  find: () => Promise<CountTokens | undefined> = findTokenizer,
): TokenCounter {
  if (option === "characters") return characterCounter;
  if (option !== "auto") return sampledCounter(option);
  let search: Promise<void> | undefined;
  let count: CountTokens | undefined;
  return sampledCounter((text) => {
    // A promise of a search that failed is as good as none found.
    search ??= find().then(
      (found) => void (count = found),
      () => undefined,
    );
    return count?.(text);
  });
}
