import type { IncomingMessage, ServerResponse } from "node:http";
import type { Gate } from "./credentials.ts";
import { createHeldAnswers, type HeldAnswers } from "./held-answers.ts";
import type { ResolvedOptions } from "./prometheus-options.ts";
import {
  type Answer,
  answerHealth,
  answerMetrics,
  pathOf,
  plain,
  refusal,
  type ScrapeRequest,
} from "./scrape-answer.ts";
import type { ScrapeReader } from "./scrape-reader.ts";

/** Answers a request of node:http. Never throws and never rejects. */
export type NodeHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** Answers a web-standard request. Never rejects. */
export type FetchHandler = (request: Request) => Promise<Response>;

export interface HandlerOptions {
  readonly options: ResolvedOptions;
  readonly gate: Gate | undefined;
  readonly reader: () => ScrapeReader | undefined;
}

/** The handler of the exporter's own server: the two paths, 404 for any other. */
export function createServerHandler({ options, gate, reader }: HandlerOptions): NodeHandler {
  return nodeHandler(options, async (path, request) => {
    const refused = refusal(gate, request);
    if (refused !== undefined) return refused;
    if (path === options.path) return await answerMetrics(reader(), request);
    if (path === options.healthPath) return await answerHealth(reader(), request);
    return plain(404, `the metrics are at ${options.path}, the health is at ${options.healthPath}`);
  });
}

/** A handler for mounting: the metrics wherever it is mounted, and the health at a path that ends with `healthPath`. */
export function createMountedHandler(handling: HandlerOptions): NodeHandler {
  return nodeHandler(handling.options, (path, request) => answerMounted(handling, path, request));
}

/** The same for servers that speak `Request` and `Response`. */
export function createFetchHandler(handling: HandlerOptions): FetchHandler {
  return async ({ method, url, headers }) => {
    const request = { method, header: (name: string) => headers.get(name) };
    const { status, headers: given, body } = await answerMounted(handling, pathOf(url) ?? "/", request);
    const content = typeof body === "string" ? body : Buffer.concat(body);
    return new Response(method === "HEAD" ? null : content, { status, headers: given });
  };
}

type Route = (path: string, request: ScrapeRequest) => Promise<Answer>;

async function answerMounted(
  { options, gate, reader }: HandlerOptions,
  path: string,
  request: ScrapeRequest,
): Promise<Answer> {
  const refused = refusal(gate, request);
  if (refused !== undefined) return refused;
  return await (path.endsWith(options.healthPath) ? answerHealth(reader(), request) : answerMetrics(reader(), request));
}

/** Two servers that scrape in two formats, and as many more that are slow. */
const mostBodies = 8;

function nodeHandler({ scrapeTimeoutMillis }: ResolvedOptions, route: Route): NodeHandler {
  const held = createHeldAnswers(mostBodies);
  return (incoming, response) => {
    // A client that goes away while it is answered is its own affair.
    response.on("error", () => {});
    const path = pathOf(incoming.url);
    const method = incoming.method ?? "GET";
    const header = (name: string): string | undefined => {
      const value = incoming.headers[name];
      return Array.isArray(value) ? value.join() : value;
    };
    const answer =
      path === undefined
        ? Promise.resolve(plain(400, "the request's path is malformed"))
        : route(path, { method, header });
    answer
      .catch(() => plain(500, "the scrape failed"))
      .then((one) => {
        if (response.headersSent || response.destroyed) return;
        if (typeof one.body !== "string") dropWhenSlow(response, one.body, held, scrapeTimeoutMillis);
        writeAnswer(response, one, method);
      })
      .catch(() => response.destroy());
  };
}

function writeAnswer(response: ServerResponse, { status, headers, body }: Answer, method: string): void {
  const pieces = typeof body === "string" ? [Buffer.from(body)] : body;
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  response.writeHead(status, { ...headers, "content-length": length });
  if (method !== "HEAD") for (const piece of pieces) response.write(piece);
  response.end();
}

/** The whole answer has to be read within the time that a scrape may take: an idle timeout alone is never over for who reads drop by drop. */
function dropWhenSlow(response: ServerResponse, body: readonly Buffer[], held: HeldAnswers, millis: number): void {
  const drop = (): void => void response.destroy();
  const release = held.hold(body, drop);
  const deadline = setTimeout(drop, millis);
  deadline.unref();
  response.once("close", () => {
    clearTimeout(deadline);
    release();
  });
}
