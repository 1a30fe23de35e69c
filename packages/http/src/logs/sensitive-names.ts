/** What is written in the place of a secret. */
export const redacted = "[Redacted]";

/** How a field is judged by its name. */
export interface FieldName {
  /** The name as it is written. */
  readonly name: string;
  /** Whether texts, numbers and objects under it are secrets; of `tokens` only the former: counts and prices are no secrets. */
  readonly secret: "all" | "but numbers" | false;
}

/** Judges field names, whatever their case and separators: `apiKey`, `API_KEY` and `x-api-key` are one. */
export function createFieldNames(
  additional: readonly string[],
  cleanText: (name: string) => string,
): (name: string) => FieldName {
  const asked = additional.map(plain);
  const known = new Map<string, FieldName>();

  function judge(name: string): FieldName {
    const letters = plain(name);
    const isSecret = anywhere.test(letters) || atTheEnd.test(letters) || asked.includes(letters);
    const secret = isSecret ? "all" : tokenAtTheEnd.test(letters) ? "but numbers" : false;
    // As a name it would set the prototype of what it is put into.
    return { name: name === "__proto__" ? "__proto___" : cleanText(name), secret };
  }

  return (name) => {
    const judged = known.get(name);
    if (judged !== undefined) return judged;
    // Names that come from outside must not grow memory.
    if (known.size >= mostKnown) known.clear();
    const fresh = judge(name);
    known.set(name, fresh);
    return fresh;
  };
}

const mostKnown = 1000;
const anywhere = /password|passwd|passphrase|secret|apikey|accesskey|privatekey|authorization|credential/;
const atTheEnd = /(?:cookies?|pwd|jwt|auth|signingkey|encryptionkey)$/;
const tokenAtTheEnd = /token$/;

function plain(name: string): string {
  return name
    .slice(0, 255)
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]/gu, "");
}
