/** The entries of a comma-separated list, without empty ones. */
export function splitList(text: string): string[] {
  return text
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
}

/**
 * The pairs of `key=value,key=value`, percent-decoded, for `v.rawTransform`. The official detector drops the whole variable
 * without a word when one entry is wrong, so it is parsed here.
 */
export function parsePairs(context: {
  dataset: { value: string };
  addIssue(): void;
  NEVER: never;
}): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const entry of splitList(context.dataset.value)) {
    const [key, value, ...rest] = entry.split("=");
    try {
      if (!key?.trim() || value === undefined || rest.length > 0) throw new Error("not key=value");
      attributes[decodeURIComponent(key.trim())] = decodeURIComponent(value.trim());
    } catch {
      context.addIssue();
      return context.NEVER;
    }
  }
  return attributes;
}
