const longestName = 255;

/** Text made of `[a-zA-Z0-9_]` alone, without a leading digit, never empty, at most 255 characters. */
export function prometheusWord(text: string): string {
  const word = text.slice(0, longestName).replace(/[^a-zA-Z0-9]+/g, "_");
  if (word === "") return "_";
  return startsWithDigit(word) ? `_${word}` : word;
}

function startsWithDigit(text: string): boolean {
  const code = text.charCodeAt(0);
  return code >= 48 && code <= 57;
}
