/**
 * How names with other characters than `[a-zA-Z0-9_:]` are written for a scraper: as they are (`allow-utf-8`), or as words of
 * these characters.
 *
 * Source: Prometheus documentation, "UTF-8 metric and label name escaping schemes".
 */
export type EscapingScheme = (typeof escapingSchemes)[number];

export const escapingSchemes = ["underscores", "dots", "values", "allow-utf-8"] as const;

/** A metric's name as the scheme writes it: as Prometheus's own library does, so that a server can turn it back. */
export function escapeMetricName(name: string, scheme: EscapingScheme): string {
  return escapeName(name, scheme, /^[a-zA-Z_:]$/);
}

/** The same for a label, which has no colon. */
export function escapeLabelName(name: string, scheme: EscapingScheme): string {
  return escapeName(name, scheme, /^[a-zA-Z_]$/);
}

/** Names that need no quotes in the text formats. */
export function isPlainMetricName(name: string): boolean {
  return /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name);
}

export function isPlainLabelName(name: string): boolean {
  return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name);
}

function escapeName(name: string, scheme: EscapingScheme, letters: RegExp): string {
  switch (scheme) {
    case "allow-utf-8":
      return name;
    case "underscores":
      return eachCharacter(
        name,
        letters,
        (character) => (character === "_" ? "_" : undefined),
        () => "_",
      );
    case "dots":
      return eachCharacter(
        name,
        letters,
        (character) => ({ _: "__", ".": "_dot_" })[character],
        () => "__",
      );
    case "values": {
      if (isPlain(name, letters)) return name;
      const hexadecimal = (character: string): string => `_${(character.codePointAt(0) ?? 0).toString(16)}_`;
      return `U__${eachCharacter(name, letters, (character) => (character === "_" ? "__" : undefined), hexadecimal)}`;
    }
  }
}

/** `special` comes before what is allowed, `other` is for what is not. No name begins with a digit. */
function eachCharacter(
  name: string,
  letters: RegExp,
  special: (character: string) => string | undefined,
  other: (character: string) => string,
): string {
  let result = "";
  let isFirst = true;
  for (const character of name) {
    const isAllowed = letters.test(character) || (!isFirst && /^[0-9]$/.test(character));
    result += special(character) ?? (isAllowed ? character : other(character));
    isFirst = false;
  }
  return result;
}

function isPlain(name: string, letters: RegExp): boolean {
  return Array.from(name).every((character, at) => letters.test(character) || (at > 0 && /^[0-9]$/.test(character)));
}
