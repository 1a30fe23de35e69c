import type { Agent, IncomingMessage, request as httpRequest, RequestOptions } from "node:http";
import { promisify } from "node:util";
import type { TlsMaterial } from "./tls-files.ts";

/** Posts bodies to one URL over connections that are kept open and keep no process alive. */
export interface HttpTransport {
  /** Resolves with any complete answer; rejects on a network error and as soon as the signal is aborted. */
  post(body: Uint8Array, signal: AbortSignal): Promise<HttpAnswer>;
  /** Drops every connection, also those in use. */
  close(): void;
}

export interface HttpAnswer {
  readonly status: number;
  readonly statusText: string;
  /** The `Retry-After` header, as it came. */
  readonly retryAfter: string | undefined;
  readonly body: Buffer;
}

export interface HttpTransportOptions {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly compression: "gzip" | "none";
  readonly tls: TlsMaterial;
}

/**
 * The official exporter's transport cannot be ended: a pending retry holds the process for up to ten seconds, and an
 * answer that drips in is waited for without end. This one obeys an abort signal at each step.
 */
export function createHttpTransport(options: HttpTransportOptions): HttpTransport {
  let client: Client | undefined;
  return {
    async post(body, signal) {
      const compressed = options.compression === "gzip";
      const payload = compressed ? await compress(body) : body;
      signal.throwIfAborted();
      client ??= createClient(options);
      return exchange(client, options.url, payload, signal, {
        ...options.headers,
        ...(compressed ? { "content-encoding": "gzip" } : {}),
        "content-length": String(payload.length),
      });
    },
    close: () => client?.agent.destroy(),
  };
}

interface Client {
  readonly request: typeof httpRequest;
  readonly agent: Agent;
}

// More than this of an answer is not read: a partial-success message is far shorter.
const largestAnswer = 64 * 1024;

// Taken at the first export, not imported: instrumentation that patches node:http must see it first.
function createClient({ url, tls }: HttpTransportOptions): Client {
  if (url.protocol === "https:") {
    const https = process.getBuiltinModule("node:https");
    return { request: https.request, agent: unmetered(new https.Agent({ keepAlive: true, ...tls })) };
  }
  const http = process.getBuiltinModule("node:http");
  return { request: http.request, agent: unmetered(new http.Agent({ keepAlive: true })) };
}

/** Request meters leave exports out: each would give the next one something to export. */
function unmetered(agent: Agent): Agent {
  return Object.defineProperty(agent, Symbol.for("meterbridge.unmetered"), { value: true });
}

function compress(body: Uint8Array): Promise<Buffer> {
  return promisify(process.getBuiltinModule("node:zlib").gzip)(body);
}

function exchange(
  { request: open, agent }: Client,
  url: URL,
  payload: Uint8Array,
  signal: AbortSignal,
  headers: Record<string, string>,
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const options: RequestOptions = { method: "POST", agent, headers };
    const request = open(url, options, (response) => {
      readAnswer(response, resolve, reject);
    });
    // Whoever waits for an export holds the process by a timer of its own, which has an end.
    request.on("socket", (socket) => socket.unref());
    request.on("error", reject);
    const abort = (): void => {
      reject(signal.reason);
      request.destroy();
    };
    signal.addEventListener("abort", abort, { once: true });
    request.on("close", () => signal.removeEventListener("abort", abort));
    request.end(payload);
  });
}

function readAnswer(
  response: IncomingMessage,
  resolve: (answer: HttpAnswer) => void,
  reject: (error: Error) => void,
): void {
  const chunks: Buffer[] = [];
  let size = 0;
  const finish = (): void =>
    resolve({
      status: response.statusCode ?? 0,
      statusText: response.statusMessage ?? "",
      retryAfter: response.headers["retry-after"],
      body: Buffer.concat(chunks),
    });
  response.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    size += chunk.length;
    if (size <= largestAnswer) return;
    finish();
    response.destroy();
  });
  response.on("end", finish);
  response.on("error", reject);
}
