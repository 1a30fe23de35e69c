/**
 * Parses `name=value,name=value` with percent-encoding, as `OTEL_EXPORTER_OTLP_HEADERS` is written (OpenTelemetry
 * specification, "Specifying headers via environment variables").
 *
 * @throws Error naming the variable and the position of the wrong pair, never its value: it may be a secret.
 */
export function parseHeaders(who: string, text: string): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [index, pair] of text.split(",").entries()) {
    if (pair.trim() === "") continue;
    const [name, value] = parsePair(who, index + 1, pair);
    headers[name] = value;
  }
  return checkHeaders(who, headers);
}

/**
 * Gives the headers back when each can be sent.
 *
 * @throws Error naming the header, never its value.
 */
export function checkHeaders(who: string, headers: Readonly<Record<string, string>>): Record<string, string> {
  if (typeof headers !== "object" || headers === null || Array.isArray(headers)) {
    throw new Error(`[meterbridge] [otlp] ${who} must be an object of header names and values`);
  }
  for (const [name, value] of Object.entries(headers)) {
    if (!headerName.test(name)) {
      throw new Error(`[meterbridge] [otlp] ${who} must have valid HTTP header names, found ${JSON.stringify(name)}`);
    }
    if (typeof value !== "string" || !headerValue.test(value)) {
      throw new Error(
        `[meterbridge] [otlp] ${who}: the value of "${name}" must be text without line breaks or control characters`,
      );
    }
  }
  return { ...headers };
}

/** Later layers win, whatever the case of the names. */
export function mergeHeaders(...layers: readonly Readonly<Record<string, string>>[]): Record<string, string> {
  const merged: Record<string, string> = {};
  for (const layer of layers) {
    for (const [name, value] of Object.entries(layer)) merged[name.toLowerCase()] = value;
  }
  return merged;
}

// RFC 9110: a token, and visible characters with spaces and tabs in between (what Node.js agrees to send).
const headerName = /^[\w!#$%&'*+.^`|~-]+$/;
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/;

function parsePair(who: string, position: number, pair: string): readonly [name: string, value: string] {
  const separator = pair.indexOf("=");
  const name = pair.slice(0, separator).trim();
  const value = pair.slice(separator + 1).trim();
  if (separator < 1 || name === "" || value === "" || pair.includes(";")) {
    throw new Error(
      `[meterbridge] [otlp] ${who} must be written name=value,name=value (percent-encode "," as %2C and ";" as %3B), ` +
        `pair ${position} is not`,
    );
  }
  try {
    return [decodeURIComponent(name), decodeURIComponent(value)];
  } catch {
    throw new Error(`[meterbridge] [otlp] ${who} must be percent-encoded correctly, pair ${position} is not`);
  }
}
