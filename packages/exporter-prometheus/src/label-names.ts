const longestName = 255;

/**
 * The Prometheus label for an attribute key: every character outside `[a-zA-Z0-9_]` becomes `_` and runs of `_` become one
 * (which also keeps clear of the reserved `__` prefix), a leading digit gets `_` in front, an empty key is `_`, and a
 * reserved label gets `exported_` in front, as Prometheus itself does. Cut at 255 characters.
 *
 * Different keys may give the same label; `createLabelWriter` joins their values.
 *
 * Source: OpenTelemetry specification, Prometheus and OpenMetrics compatibility, "Metric Attributes".
 */
export function labelName(key: string, reserved: ReadonlySet<string>): string {
  const name = prometheusWord(key);
  return reserved.has(name) ? `exported_${name}` : name;
}

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
