import type { DiagLogger } from "@opentelemetry/api";
import { createServer, type Server } from "node:http";
import { type AddressInfo, isIP } from "node:net";
import type { ResolvedOptions } from "./prometheus-options.ts";
import type { NodeHandler } from "./request-handlers.ts";
import type { TlsContext } from "./tls-files.ts";

export interface ScrapeServer {
  /** Where the server listens; undefined before it does, after it was closed, and when the port could not be had. */
  address(): AddressInfo | undefined;
  /** Stops listening and drops every connection at once, also half-open ones. Resolves within 3 seconds, also when repeated. */
  close(): Promise<void>;
  /** Whether the port could not be had. */
  isFailing(): boolean;
}

/**
 * Starts to listen in the background. A port that cannot be had is one line on `diag`, and the application goes on. Neither the
 * server nor its connections keep the process alive.
 */
export function startScrapeServer(
  options: ResolvedOptions,
  handler: NodeHandler,
  diag: DiagLogger,
  tls: TlsContext | undefined,
): ScrapeServer {
  const { host, port, path } = options;
  let closing: Promise<void> | undefined;
  let isFailing = false;
  const server = tls === undefined ? createServer(patience, handler) : tlsServer(tls, handler);
  // Scrapes are no requests to the application: its request meters leave them out.
  Object.defineProperty(server, Symbol.for("meterbridge.unmetered"), { value: true });
  server.maxConnections = 256;
  // A client that is silent for long is dropped; one that reads its answer slowly is dropped sooner.
  server.setTimeout(options.scrapeTimeoutMillis + 20_000);
  server.unref();
  server.on("connection", (socket) => socket.unref());
  server.on("error", (error: NodeJS.ErrnoException) => {
    isFailing = true;
    diag.error(`[meterbridge] [prometheus] ${whyNotListening(error, host, port)}`);
  });
  server.on("listening", () => {
    if (closing !== undefined) {
      // Looking up the host took longer than the application lived.
      server.close();
      return;
    }
    const address = addressOf(server.address());
    // Any free port was asked for: nobody can know which it is unless told at the level that is shown by default.
    const level = port === 0 ? "warn" : "info";
    diag[level](
      `[meterbridge] [prometheus] metrics at ${urlOf(options, address?.address ?? host, address?.port ?? port, path)}`,
    );
    if (isLoopback(host) || isGuarded(options)) return;
    diag.warn(
      `[meterbridge] [prometheus] listening on ${host}: anyone who reaches port ${address?.port ?? port} can read the metrics; ` +
        "set METERBRIDGE_PROMETHEUS_HOST=127.0.0.1 unless the network keeps others out",
    );
  });
  server.listen({ host, port });

  return {
    address: () => addressOf(server.address()),
    isFailing: () => isFailing,
    close() {
      closing ??= new Promise<void>((resolve) => {
        // Closing takes no time by itself; the timer is there so that shutdown ends whatever happens.
        const deadline = setTimeout(resolve, 3_000);
        server.close(() => {
          clearTimeout(deadline);
          resolve();
        });
        server.closeAllConnections();
      });
      return closing;
    },
  };
}

const patience = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
};

function tlsServer(tls: TlsContext, handler: NodeHandler): Server {
  const { createServer: createTlsServer } = process.getBuiltinModule("node:https");
  const server = createTlsServer({ ...patience, ...tls.current(), handshakeTimeout: 5_000 }, handler);
  server.on("connection", () => {
    const changed = tls.changed();
    if (changed !== undefined) server.setSecureContext(changed);
  });
  return server;
}

/** Whether it takes a secret or a certificate to read the metrics. */
function isGuarded({ bearerToken, basicAuth, tls }: ResolvedOptions): boolean {
  return bearerToken !== undefined || basicAuth !== undefined || tls?.clientAuthorityFile !== undefined;
}

function whyNotListening(error: NodeJS.ErrnoException, host: string, port: number): string {
  const consequence = "metrics are not served there, the application goes on";
  switch (error.code) {
    case "EADDRINUSE":
      return (
        `port ${port} on ${host} is in use, ${consequence}: ` +
        "end the other process, or set METERBRIDGE_PROMETHEUS_PORT to another port (0 takes any free one)"
      );
    case "EACCES":
      return `port ${port} on ${host} may not be used by this user, ${consequence}: set METERBRIDGE_PROMETHEUS_PORT to 1024 or above`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `host ${host} is not an address of this machine, ${consequence}: set METERBRIDGE_PROMETHEUS_HOST`;
    default:
      return `the server for ${host}:${port} failed, ${consequence}: ${error.message}`;
  }
}

/** The URL of a path on a host, whose IPv6 address needs brackets. */
export function urlOf({ tls }: Pick<ResolvedOptions, "tls">, host: string, port: number, path: string): string {
  return `${tls === undefined ? "http" : "https"}://${isIP(host) === 6 ? `[${host}]` : host}:${port}${path}`;
}

function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  return name === "localhost" || name === "::1" || (isIP(name) === 4 && name.startsWith("127."));
}

function addressOf(address: AddressInfo | string | null): AddressInfo | undefined {
  return address === null || typeof address === "string" ? undefined : address;
}
