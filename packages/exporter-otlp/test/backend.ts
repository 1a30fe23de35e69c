import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createTlsServer, type ServerOptions } from "node:https";

/** What a backend does with a request once its body is in. */
export type Behaviour = (response: ServerResponse, request: IncomingMessage) => void;

/** Each way a backend can go right or wrong. A refused connection is a backend that has been closed. */
export type BehaviourName =
  | "works"
  | "never answers"
  | "drips one byte every half second"
  | "sends headers only"
  | "answers 503"
  | "answers 503 and asks to wait an hour"
  | "answers 503 and asks to wait 2 seconds"
  | "answers 503 with a Retry-After that is no time"
  | "answers 400"
  | "resets the connection"
  | "answers 200 with garbage"
  | "answers 200 with 8 MB";

export const behaviours: Readonly<Record<BehaviourName, Behaviour>> = {
  works: (response) => response.writeHead(200).end(),
  "never answers": () => {},
  "drips one byte every half second": (response) => {
    response.writeHead(200, { "content-length": "100000" });
    const timer = setInterval(() => response.write("x"), 500);
    response.once("close", () => clearInterval(timer));
  },
  "sends headers only": (response) => response.writeHead(200, { "content-length": "10" }).flushHeaders(),
  "answers 503": (response) => response.writeHead(503).end("overloaded"),
  "answers 503 and asks to wait an hour": (response) => response.writeHead(503, { "retry-after": "3600" }).end(),
  "answers 503 and asks to wait 2 seconds": (response) => response.writeHead(503, { "retry-after": "2" }).end(),
  "answers 503 with a Retry-After that is no time": (response) =>
    response.writeHead(503, { "retry-after": "soon" }).end(),
  "answers 400": (response) => response.writeHead(400).end("bad data"),
  "resets the connection": (_response, request) => request.socket.resetAndDestroy(),
  "answers 200 with garbage": (response) => response.writeHead(200).end("<html>not otlp</html>"),
  "answers 200 with 8 MB": (response) => response.writeHead(200).end(Buffer.alloc(8_000_000)),
};

export interface ReceivedRequest {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Backend {
  readonly url: string;
  readonly requests: readonly ReceivedRequest[];
  behave(behaviour: Behaviour): void;
  close(): Promise<void>;
}

/** A loopback HTTP server that keeps what it got. */
export async function startBackend(
  behaviour: Behaviour = behaviours.works,
  options: { readonly port?: number; readonly tls?: ServerOptions } = {},
): Promise<Backend> {
  let current = behaviour;
  const requests: ReceivedRequest[] = [];
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method, url, headers } = request;
      requests.push({ method, path: url, headers, body: Buffer.concat(chunks) });
      current(response, request);
    });
  };
  const server = options.tls === undefined ? createServer(answer) : createTlsServer(options.tls, answer);
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, "127.0.0.1", resolve));
  return {
    url: `${options.tls === undefined ? "http" : "https"}://127.0.0.1:${portOf(server)}/v1/metrics`,
    requests,
    behave: (next) => (current = next),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function portOf(server: Pick<Server, "address">): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}
