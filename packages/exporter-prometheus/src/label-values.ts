const longestValue = 1024;

/**
 * The text of any attribute value, at most 1,024 UTF-16 units, well-formed Unicode. Never throws: the attributes come from
 * application code, and one odd value must not cost the scrape. `undefined` and `null` give `""`, which means "no label".
 */
export function labelValue(value: unknown): string {
  return cutText(typeof value === "string" ? value : anyText(value), longestValue);
}

/** Cuts text at a length without leaving half a character, and repairs lone surrogates, which UTF-8 cannot carry. */
export function cutText(text: string, longest: number): string {
  let kept = text;
  if (text.length > longest) {
    const lastUnit = text.charCodeAt(longest - 1);
    const endsInsidePair = lastUnit >= 0xd800 && lastUnit <= 0xdbff;
    kept = text.slice(0, endsInsidePair ? longest - 1 : longest);
  }
  return kept.isWellFormed() ? kept : kept.toWellFormed();
}

/** Escapes backslash, double quote and newline, as both exposition formats ask within quotes. */
export function escapeQuoted(text: string): string {
  return needsEscape.test(text) ? text.replace(/[\\"\n]/g, escapeCharacter) : text;
}

const needsEscape = /[\\"\n]/;

function escapeCharacter(character: string): string {
  return character === "\n" ? "\\n" : `\\${character}`;
}

function anyText(value: unknown): string {
  switch (typeof value) {
    case "undefined":
      return "";
    case "number":
    case "boolean":
    case "bigint":
    case "symbol":
      return String(value);
    case "function":
      // Its source text would put code into the metrics.
      return "[function]";
    case "object":
      return value === null ? "" : objectText(value);
    default:
      return "";
  }
}

function objectText(value: object): string {
  try {
    if (value instanceof Date) return value.toJSON() ?? "Invalid Date";
    const text: unknown = JSON.stringify(value);
    return typeof text === "string" ? text : "[object]";
  } catch {
    // Cyclic, holding a BigInt, or with a getter or toJSON that throws.
    return "[object]";
  }
}
