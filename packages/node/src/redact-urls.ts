import type { ReadableSpan, SpanProcessor } from "@opentelemetry/sdk-trace";

/**
 * Takes the values of queries, and users with their passwords, out of the URLs in spans: the instrumentations of HTTP keep them whole, and
 * tokens stand there. Names of parameters stay. `REDACTED` is OpenTelemetry's own word for it.
 */
export function urlRedactor(): SpanProcessor {
  return {
    onStart() {},
    onEnd: redact,
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
}

/** Current names, then those of the older conventions. */
const urls = ["url.full", "url.query", "http.url", "http.target"] as const;

function redact({ attributes }: ReadableSpan): void {
  for (const name of urls) {
    const value = attributes[name];
    // The span has ended, and refuses to be changed by its own methods.
    if (typeof value === "string") attributes[name] = withoutValues(value, name === "url.query");
  }
}

/** Takes time in proportion to the text. */
function withoutValues(url: string, isQuery: boolean): string {
  const start = isQuery ? 0 : url.indexOf("?") + 1;
  const path = start === 0 && !isQuery ? url : url.slice(0, start);
  const query = url.slice(path.length);
  const address = path.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, "$1REDACTED@");
  return address + query.replaceAll(/(^|[&;])([^=&;]*)(=?)[^&;]*/g, redactedPair);
}

/** What stands alone may be a token as well as a name. */
function redactedPair(_pair: string, separator: string, name: string, equals: string): string {
  return equals === "" && name === "" ? separator : separator + (equals === "" ? "REDACTED" : `${name}=REDACTED`);
}
