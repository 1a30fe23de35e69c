/**
 * The text of a log line without what gives access: errors of drivers and exporters repeat the address they were given, with its user and
 * password. Takes time in proportion to the text.
 */
export function withoutSecrets(text: string): string {
  return suspicious.test(text)
    ? shapes.reduce((clean, [shape, instead]) => clean.replaceAll(shape, instead), text)
    : text;
}

const suspicious = /:\/\/|[spr]k[-_]|eyJ|A[KS]IA|bearer|basic|password/i;

const shapes: readonly (readonly [RegExp, string])[] = [
  // A URL's user and password, then its query.
  [/([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/?#"'<>]{1,1024}@/gi, "$1…@"],
  [/(:\/\/[^\s?#"'<>]{1,1024})\?[^\s#"'<>]{1,8192}/g, "$1?…"],
  // With a digit: not every word after these is a token.
  [/\b(bearer|basic)\s{1,4}(?=[a-z._~+/=-]{0,64}\d)[\w.~+/=-]{8,8192}/gi, "$1 …"],
  [/(password["']?\s{0,4}[:=]\s{0,4}["']?)[^\s"',;})]{1,4096}/gi, "$1…"],
  [/\b[spr]k[-_][\w-]{16,512}/g, "…"],
  [/\bA[KS]IA[A-Z0-9]{12,124}/g, "…"],
  [/\beyJ[\w-]{8,8192}(?:\.[\w-]{0,8192}){1,2}/g, "…"],
];
