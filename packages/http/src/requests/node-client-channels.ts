import { errorTypeOf, http } from "@meterbridge/core";
import type { ClientRequest } from "node:http";
import { subscribeAll } from "./channel-listeners.ts";
import { isSuppressed, isUnmetered } from "./unmetered.ts";

/** Meters every request that is sent by node:http and node:https. */
export function followNodeClients(): () => void {
  return subscribeAll({ "http.client.request.created": created, "http.client.request.error": failed });
}

interface Sending {
  readonly begun: number;
  errorType: string | undefined;
}

const sent = new WeakMap<object, Sending>();

function created({ request }: { readonly request: ClientRequest }): void {
  if (isSuppressed()) return;
  sent.set(request, { begun: performance.now(), errorType: undefined });
  // However it ends: answered and read, refused, given up, turned into a tunnel or a websocket.
  request.once("close", () => closed(request));
}

function failed({ request, error }: { readonly request: ClientRequest; readonly error: unknown }): void {
  const sending = sent.get(request);
  if (sending !== undefined) sending.errorType = errorTypeOf(error);
}

/** What Node.js keeps on a request, of which the types tell less. */
interface Kept {
  readonly agent?: object | false | undefined;
  readonly res?: { readonly statusCode?: number; readonly complete: boolean; readonly upgrade?: boolean | null } | null;
}

function closed(request: ClientRequest): void {
  const sending = sent.get(request);
  sent.delete(request);
  const { agent, res } = request as Kept;
  if (sending === undefined || isUnmetered(request) || isUnmetered(agent || undefined)) return;
  const isCut = res != null && !res.complete && res.upgrade !== true;
  http.recordClient({
    method: request.method,
    address: request.host,
    port: portOf(request),
    status: res?.statusCode,
    errorType: sending.errorType ?? (isCut ? "aborted" : undefined),
    duration: (performance.now() - sending.begun) / 1000,
  });
}

/** Node.js keeps the port in the header alone, where it is not the protocol's own. The header may also be the application's. */
function portOf(request: ClientRequest): number {
  const usual = request.protocol === "https:" ? 443 : 80;
  const header = request.getHeader("host");
  const [, host, port] = /^(.*?)(?::(\d+))?$/.exec(typeof header === "string" ? header : "") ?? [];
  if (host === request.host || host === `[${request.host}]`) return port === undefined ? usual : Number(port);
  return request.socket?.remotePort ?? usual;
}
