import type { IncomingMessage, ServerResponse } from "node:http";

/** Something that answers requests, whatever the server: mounted, or served by itself. */
export interface Mountable {
  /** For node:http and Express: `app.use("/health", health.handler)`. Never throws. */
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void;
  /** For whatever speaks `Request` and `Response`: Hono, Next.js. Never rejects. */
  readonly fetch: (request: Request) => Promise<Response>;
}

/** A request as far as our answers depend on it, whichever server brought it. */
export interface AskedFor {
  readonly method: string;
  /** Without the query, and without the path where a framework that takes it off has mounted us. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** A header's value; several of a name are one text, joined by commas as HTTP has it. Names are lower-case. */
  header(name: string): string | undefined;
  /** How many headers of that name the client sent, where the server tells (node:http), else 0 or 1. */
  headerCount(name: string): number;
  /** The address of the other end of the connection, where the server tells it (node:http, Express, Fastify). */
  readonly remoteAddress: string | undefined;
  /** The server's own request: what a framework or a middleware has hung on it is found there. */
  readonly original: IncomingMessage | Request;
}

/** An answer before it is written by one server or another. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array<ArrayBuffer>;
}

/** Makes an answering function mountable. What it throws is answered by 500 without a word of what went wrong. */
export function mountable(answer: (request: AskedFor) => Answer | Promise<Answer>): Mountable {
  const safely = async (asked: AskedFor | undefined): Promise<Answer> => {
    if (asked === undefined) return plain(400, "the request's target is malformed");
    try {
      return await answer(asked);
    } catch {
      return plain(500, "the request failed");
    }
  };
  return {
    handler(request, response) {
      // A client that goes away while it is answered is its own affair.
      response.on("error", () => {});
      safely(fromNode(request))
        .then((one) => writeAnswer(response, one, request.method))
        .catch(() => response.destroy());
    },
    async fetch(request) {
      const { status, headers, body } = await safely(fromFetch(request));
      return new Response(request.method === "HEAD" ? null : body, { status, headers });
    },
  };
}

/** A refusal or failure in one line of text. */
export function plain(status: number, reason: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { "content-type": "text/plain; charset=utf-8", ...headers }, body: `${reason}\n` };
}

/** Nothing of ours may be kept by a cache: figures change, and belong to who asked. */
export function json(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  const ours = { "content-type": "application/json; charset=utf-8", "cache-control": "no-store" };
  return { status, headers: { ...ours, ...headers }, body: `${JSON.stringify(value)}\n` };
}

function fromNode(request: IncomingMessage): AskedFor | undefined {
  const url = parsed(request.url ?? "/");
  if (url === undefined) return undefined;
  return {
    method: request.method ?? "GET",
    path: url.pathname,
    query: url.searchParams,
    header: (name) => valuesOf(request, name)?.join(", "),
    headerCount: (name) => valuesOf(request, name)?.length ?? 0,
    remoteAddress: request.socket.remoteAddress,
    original: request,
  };
}

function fromFetch(request: Request): AskedFor | undefined {
  const url = parsed(request.url);
  if (url === undefined) return undefined;
  return {
    method: request.method,
    path: url.pathname,
    query: url.searchParams,
    header: (name) => request.headers.get(name) ?? undefined,
    headerCount: (name) => (request.headers.has(name) ? 1 : 0),
    remoteAddress: undefined,
    original: request,
  };
}

/** HTTP/2 requests have no `headersDistinct`. */
function valuesOf(request: IncomingMessage, name: string): readonly string[] | undefined {
  const distinct = request.headersDistinct as NodeJS.Dict<string[]> | undefined;
  if (distinct !== undefined) return distinct[name];
  const value = request.headers[name];
  return typeof value === "string" ? [value] : value;
}

/** A target of `//elsewhere/x` is a path, though URL would read a host in it. */
function parsed(target: string): URL | undefined {
  try {
    return new URL(target.startsWith("/") ? `http://localhost${target}` : target);
  } catch {
    return undefined;
  }
}

function writeAnswer(response: ServerResponse, { status, headers, body }: Answer, method: string | undefined): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) });
  response.end(method === "HEAD" ? undefined : body);
}
