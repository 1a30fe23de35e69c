import type { IncomingMessage, ServerResponse } from "node:http";
import { type Answer, answerHealth, answerMetrics, pathOf, plain } from "./scrape-answer.ts";
import type { ResolvedOptions } from "./prometheus-options.ts";
import type { ScrapeReader } from "./scrape-reader.ts";

/** Answers a request of node:http. Never throws and never rejects. */
export type NodeHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** Answers a web-standard request. Never rejects. */
export type FetchHandler = (request: Request) => Promise<Response>;

/** The handler of the exporter's own server: the two paths, 404 for any other. */
export function createServerHandler(options: ResolvedOptions, reader: ScrapeReader): NodeHandler {
  return nodeHandler(async (path, request) => {
    if (path === options.path) return await answerMetrics(reader, request);
    if (path === options.healthPath) return await answerHealth(reader, request);
    return plain(404, `the metrics are at ${options.path}, the health is at ${options.healthPath}`);
  });
}

/** A handler for mounting: the metrics wherever it is mounted, and the health at a path that ends with `healthPath`. */
export function createMountedHandler(options: ResolvedOptions, reader: () => ScrapeReader | undefined): NodeHandler {
  return nodeHandler((path, request) => answerMounted(options, reader(), path, request));
}

/** The same for servers that speak `Request` and `Response`. */
export function createFetchHandler(options: ResolvedOptions, reader: () => ScrapeReader | undefined): FetchHandler {
  return async ({ method, url, headers }) => {
    const request = { method, accept: headers.get("accept") };
    const answer = await answerMounted(options, reader(), pathOf(url) ?? "/", request);
    return new Response(method === "HEAD" ? null : answer.body, { status: answer.status, headers: answer.headers });
  };
}

type Route = (path: string, request: { method: string; accept: string | undefined }) => Promise<Answer>;

function answerMounted(
  options: ResolvedOptions,
  reader: ScrapeReader | undefined,
  path: string,
  request: Parameters<typeof answerMetrics>[1],
): Promise<Answer> {
  return path.endsWith(options.healthPath) ? answerHealth(reader, request) : answerMetrics(reader, request);
}

function nodeHandler(route: Route): NodeHandler {
  return (request, response) => {
    // A client that goes away while it is answered is its own affair.
    response.on("error", () => {});
    const path = pathOf(request.url);
    const method = request.method ?? "GET";
    const answer =
      path === undefined
        ? Promise.resolve(plain(400, "the request's path is malformed"))
        : route(path, { method, accept: request.headers.accept });
    answer
      .then(
        (one) => writeAnswer(response, one, method),
        () => writeAnswer(response, plain(500, "the scrape failed"), method),
      )
      .catch(() => response.destroy());
  };
}

function writeAnswer(response: ServerResponse, { status, headers, body }: Answer, method: string): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) });
  response.end(method === "HEAD" ? undefined : body);
}
