import { errorTypeOf, http } from "@meterbridge/core";
import { subscribeAll } from "./channel-listeners.ts";
import { isSuppressed } from "./unmetered.ts";

/** Meters every request that is sent by the global fetch and by undici. */
export function followUndici(): () => void {
  return subscribeAll({
    "undici:request:create": created,
    "undici:request:headers": answered,
    "undici:request:trailers": ended,
    "undici:request:error": ended,
  });
}

interface UndiciRequest {
  readonly origin?: string | URL | undefined;
  readonly method: string;
}

interface Sending {
  readonly begun: number;
  status: number | undefined;
}

const sent = new WeakMap<UndiciRequest, Sending>();

function created({ request }: { readonly request: UndiciRequest }): void {
  if (!isSuppressed()) sent.set(request, { begun: performance.now(), status: undefined });
}

interface Answered {
  readonly request: UndiciRequest;
  readonly response: { readonly statusCode: number };
}

function answered({ request, response }: Answered): void {
  const sending = sent.get(request);
  // Early hints are told of as well.
  if (sending !== undefined && response.statusCode >= 200) sending.status = response.statusCode;
}

function ended({ request, error }: { readonly request: UndiciRequest; readonly error?: unknown }): void {
  const sending = sent.get(request);
  if (sending === undefined) return;
  sent.delete(request);
  http.recordClient({
    method: request.method,
    ...serverOf(String(request.origin)),
    status: sending.status,
    // A text is what fetch gives for an answer that nobody read.
    errorType: error === undefined ? undefined : typeof error === "string" ? "aborted" : errorTypeOf(error),
    duration: (performance.now() - sending.begun) / 1000,
  });
}

interface ServerName {
  readonly address: string;
  readonly port: number;
}

const servers = new Map<string, ServerName>();

function serverOf(origin: string): ServerName {
  let server = servers.get(origin);
  if (server === undefined) {
    const { hostname, port, protocol } = new URL(origin);
    server = { address: hostname, port: port === "" ? (protocol === "https:" ? 443 : 80) : Number(port) };
    if (servers.size < 1000) servers.set(origin, server);
  }
  return server;
}
