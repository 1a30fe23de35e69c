import { redacted } from "./sensitive-names.ts";

/**
 * Cuts secrets out of a text: keys and tokens of known shape, credentials and queries of URLs, and what stands behind a name such as
 * `password=`. Takes time in proportion to the text, whatever it holds: no quantifier is nested, and those that overlap are bounded.
 */
export function createSecretCutter(additional: readonly RegExp[]): (text: string) => string {
  const own = additional.map((expression) => new RegExp(expression.source, withGlobal(expression.flags)));
  const known = new Set<string>();

  function cut(text: string): string {
    let clean = suspicious.test(text) ? cutKnown(text) : text;
    for (const expression of own) clean = clean.replace(expression, redacted);
    return clean;
  }

  return (text) => {
    if (text.length > shortText) return cut(text);
    if (own.length === 0 && isPlainWords(text)) return text;
    if (known.has(text)) return text;
    const clean = cut(text);
    if (clean === text) {
      // Routes, names and words of a log come again and again; what does not must not grow memory.
      if (known.size >= mostKnown) known.clear();
      known.add(text);
    }
    return clean;
  };
}

const shortText = 64;
const mostKnown = 1000;

/**
 * Whether a text holds nothing that a secret needs: a digit, a sign between a name and its value, or a long word. It is asked of every
 * text, and a loop answers it in a tenth of an expression's time.
 */
function isPlainWords(text: string): boolean {
  let word = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    // Digits, then `:` and `;`, `<`, `=`.
    if (code >= 48 && code <= 61) return false;
    if (code === 32) word = 0;
    else if (++word === 16) return false;
  }
  return true;
}

/** Nearly every text has nothing of this, and pays for one look. */
const suspicious =
  /[spr]k[-_]|eyJ|A[KS]IA|AIza|gh[opsur]_|_pat_|glpat-|xox|whsec_|npm_|hf_|:\/\/|bearer|basic|passw|passphrase|pwd|secret|token|api[-_]?key|access[-_]?key|private[-_ ]?key|cookie|authorization|credential/i;

const names = "password|passwd|passphrase|pwd|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|credentials?";
/** Between a name and its value: `=`, `: `, `":"`, also where the JSON is itself in a text. */
const equals = String.raw`(?:\\{0,3}["'])?\s{0,4}[:=]\s{0,4}`;

const cuts: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^]*?(?:-----END [A-Z ]{0,30}KEY-----|$)/g, redacted],
  // A URL's user and password, then its query.
  [/([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/?#"'<>]{0,1024}@/gi, `$1${redacted}@`],
  [/(:\/\/[^\s?#"'<>]{1,1024})\?[^\s#"'<>]{1,8192}/g, `$1?${redacted}`],
  [afterName("authorization|cookie", String.raw`(?:\\{0,3}["'])?`, String.raw`[^\r\n"'\\]{1,8192}`), `$1${redacted}`],
  [/\b(bearer|basic)\s{1,4}(?:(?=[A-Za-z._~+/=-]{0,64}\d)[\w.~+/=-]{8,8192}|[\w.~+/=-]{20,8192})/gi, `$1 ${redacted}`],
  // In quotes, in quotes that are themselves in a text, in single quotes, and in none.
  [afterName(names, `"`, String.raw`(?:[^"\\]|\\.){1,4096}`), `$1${redacted}`],
  [afterName(names, String.raw`\\{1,3}"`, String.raw`(?:[^"\\]|\\(?!")){1,4096}`), `$1${redacted}`],
  [afterName(names, `'`, `[^']{1,4096}`), `$1${redacted}`],
  [afterName(names, String.raw`(?!\\{0,3}["']|\[Redacted)`, String.raw`[^\s"'&,;})\]]{1,4096}`), `$1${redacted}`],
  [/\b[spr]k[-_](?:(?=[A-Za-z_-]{0,64}\d)[\w-]{6,512}|[\w-]{20,512})/g, redacted],
  [/\b(?:gh[opsur]_|github_pat_|glpat-|xox[a-z]-|whsec_|npm_|hf_|AIza)[\w-]{8,512}/g, redacted],
  [/\bA[KS]IA[A-Z0-9]{12,124}/g, redacted],
  [/\beyJ[\w-]{8,8192}(?:\.[\w-]{0,8192}){0,2}/g, redacted],
];

function afterName(name: string, quote: string, value: string): RegExp {
  return new RegExp(`((?:${name})${equals}${quote})${value}`, "gi");
}

function cutKnown(text: string): string {
  let clean = text;
  for (const [expression, instead] of cuts) clean = clean.replace(expression, instead);
  return clean;
}

function withGlobal(flags: string): string {
  return flags.includes("g") ? flags : `${flags}g`;
}
