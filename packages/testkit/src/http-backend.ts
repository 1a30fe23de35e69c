import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { ContractMeter, ExporterBackend, Fault } from "./exporter-harness.ts";
import { type ReceivedPoint, receivedSeries } from "./received-series.ts";

export interface HttpBackendOptions {
  /** What a request says. What it throws is answered with 400. */
  read(request: HttpRequest): readonly ReceivedPoint[];
  /** The backend's name for a meter. Default the meter's own. */
  readonly nameOf?: (meter: ContractMeter) => string;
  /** What it answers with a 200 to say that it refused some of the points. Needed for the fault "rejects a part". */
  readonly partialAnswer?: string | Uint8Array;
}

export interface HttpRequest {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface HttpBackend extends ExporterBackend {
  /** For example `http://127.0.0.1:20001`. */
  readonly url: string;
}

/**
 * A backend for exporters that send over HTTP, with all faults: it adds up what it is told, and goes wrong when it is asked to. A request that
 * fails has not been taken. Refusals repeat the headers of the request, as proxies do, so that an exporter that quotes them shows its key.
 */
export async function httpBackend({ read, nameOf, partialAnswer = "" }: HttpBackendOptions): Promise<HttpBackend> {
  const series = receivedSeries();
  let contacts = 0;
  let fault: Fault | undefined;

  function take(request: HttpRequest, response: ServerResponse, answer: string | Uint8Array): void {
    try {
      series.take(read(request));
      response.writeHead(200).end(answer);
    } catch (error) {
      response.writeHead(400).end(String(error));
    }
  }

  const server = createServer((request, response) => {
    contacts++;
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const received = { headers: request.headers, body: Buffer.concat(chunks) };
      if (fault === undefined) take(received, response, "");
      else if (fault === "rejects a part") take(received, response, partialAnswer);
      else if (fault === "answers with garbage") take(received, response, "<html>not what was asked for</html>");
      else goWrong(fault, request, response);
    });
  });

  const listen = (port: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, "127.0.0.1", () => {
        server.off("error", reject);
        resolve();
      });
    });
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });

  const port = await listenAnywhere(listen);
  return {
    url: `http://127.0.0.1:${port}`,
    read: (meter, attributes) => Promise.resolve(series.read(nameOf?.(meter) ?? meter.name, attributes)),
    unitOf: (meter) => Promise.resolve(series.unitOf(nameOf?.(meter) ?? meter.name)),
    contacts: () => contacts,
    async misbehave(next) {
      if (fault === "is down" && next !== "is down") await listen(port);
      if (fault !== "is down" && next === "is down") await close();
      fault = next;
    },
    stop: close,
  };
}

/**
 * A port that no one else is given while the backend is down: below those that systems hand out themselves, each process with a hundred of its own.
 */
async function listenAnywhere(listen: (port: number) => Promise<void>): Promise<number> {
  for (;;) {
    const port = 20_000 + (process.pid % 120) * 100 + (nextPort++ % 100);
    try {
      await listen(port);
      return port;
    } catch (error) {
      if (nextPort > 10_000) throw error;
    }
  }
}

let nextPort = 0;

function goWrong(fault: Fault, request: IncomingMessage, response: ServerResponse): void {
  switch (fault) {
    case "never answers":
      return;
    case "answers byte by byte":
      return drip(response);
    case "resets the connection":
      request.socket.resetAndDestroy();
      return;
    case "answers 429 and asks to wait an hour":
      response.setHeader("retry-after", "3600");
      return refuse(429, request, response);
    default:
      return refuse(Number(fault.replace("answers ", "")), request, response);
  }
}

function refuse(status: number, request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(status).end(`refused: ${JSON.stringify(request.headers)}`);
}

/** An answer that never ends, and never falls silent. */
function drip(response: ServerResponse): void {
  response.writeHead(200, { "content-length": "100000" });
  const timer = setInterval(() => response.write("x"), 50);
  response.once("close", () => clearInterval(timer));
}
