import { isCollectionError } from "./collection.ts";
import { chooseFormat, contentTypes } from "./content-negotiation.ts";
import type { ScrapeReader } from "./scrape-reader.ts";

/** An HTTP answer, before it is written by one server or another. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer<ArrayBuffer>;
}

export interface ScrapeRequest {
  readonly method: string;
  readonly accept: string | null | undefined;
}

/** Answers a request for the metrics. Never rejects. */
export async function answerMetrics(reader: ScrapeReader | undefined, request: ScrapeRequest): Promise<Answer> {
  if (!isReading(request.method)) return methodNotAllowed;
  if (reader === undefined) return plain(503, "the exporter is not started");
  try {
    const format = chooseFormat(request.accept);
    const body = await reader.scrape(format);
    return { status: 200, headers: { "content-type": contentTypes[format], vary: "accept", ...uncached }, body };
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
