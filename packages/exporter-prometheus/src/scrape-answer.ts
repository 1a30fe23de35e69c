import { isCollectionError } from "./collection.ts";
import { acceptsGzip, chooseExposition } from "./content-negotiation.ts";
import type { Gate } from "./credentials.ts";
import type { ScrapeReader } from "./scrape-reader.ts";

/** An HTTP answer, before it is written by one server or another. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | readonly Buffer[];
}

/** What matters of a request. */
export interface ScrapeRequest {
  readonly method: string;
  header(name: string): string | null | undefined;
}

/** Answers a request for the metrics. Never rejects. */
export async function answerMetrics(reader: ScrapeReader | undefined, request: ScrapeRequest): Promise<Answer> {
  if (!isReading(request.method)) return methodNotAllowed;
  if (reader === undefined) return plain(503, "the exporter is not started");
  try {
    const exposition = chooseExposition(request.header("accept"));
    const { pieces, isGzip } = await reader.scrape({
      exposition,
      acceptsGzip: acceptsGzip(request.header("accept-encoding")),
      timeoutMillis: askedTimeout(request.header("x-prometheus-scrape-timeout-seconds")),
    });
    const headers = {
      "content-type": exposition.contentType,
      ...(isGzip ? { "content-encoding": "gzip" } : {}),
      vary: "accept, accept-encoding",
      ...uncached,
    };
    return { status: 200, headers, body: pieces };
  } catch (error) {
    return isCollectionError(error) ? plain(error.status, error.message) : plain(500, "the scrape failed");
  }
}

/** Answers a request for the exporter's health: 200 also when degraded, because the application is not ill. Never rejects. */
export async function answerHealth(reader: ScrapeReader | undefined, request: ScrapeRequest): Promise<Answer> {
  if (!isReading(request.method)) return methodNotAllowed;
  if (reader === undefined) return plain(503, "the exporter is not started");
  try {
    const body = `${JSON.stringify(await reader.health())}\n`;
    return { status: 200, headers: { "content-type": "application/json; charset=utf-8", ...uncached }, body };
  } catch {
    return plain(500, "the health is not known");
  }
}

/** The answer to who may not come in; undefined for who may. */
export function refusal(gate: Gate | undefined, request: ScrapeRequest): Answer | undefined {
  if (gate === undefined || gate.admits(request.header("authorization"))) return undefined;
  return plain(401, "credentials are missing or wrong", { "www-authenticate": gate.challenge });
}

/** A refusal or failure in one line of text. */
export function plain(status: number, reason: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { "content-type": "text/plain; charset=utf-8", ...headers }, body: `${reason}\n` };
}

/** The path of a request target, or undefined when it is malformed. */
export function pathOf(target: string | undefined): string | undefined {
  try {
    return new URL(target ?? "/", "http://localhost").pathname;
  } catch {
    return undefined;
  }
}

const uncached = { "cache-control": "no-store" };
const methodNotAllowed = plain(405, "only GET and HEAD are allowed", { allow: "GET, HEAD" });

function isReading(method: string): boolean {
  return method === "GET" || method === "HEAD";
}

/** How long the scraper waits, less what the answer needs on its way, so that it hears the reason. Undefined where it does not say. */
function askedTimeout(header: string | null | undefined): number | undefined {
  const seconds = Number(header ?? "");
  if (!(seconds > 0)) return undefined;
  return Math.max(1, seconds * 1000 - Math.min(500, seconds * 100));
}
