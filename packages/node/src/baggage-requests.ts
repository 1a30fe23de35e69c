import diagnosticsChannel from "node:diagnostics_channel";
import type { ClientRequest } from "node:http";
import { context } from "@opentelemetry/api";
import { currentAttribution } from "@meterbridge/core";
import { isTracingSuppressed } from "@opentelemetry/core";
import { coversHost, type HostPattern } from "./baggage-hosts.ts";
import { attributionPrefix } from "./baggage-propagator.ts";

/** A request of `fetch` or undici, as it is published before it is written. */
interface UndiciRequest {
  readonly origin?: string | URL | null;
  addHeader?(name: string, value: string): unknown;
}

/**
 * Sends the attribution of the active context, as W3C baggage, along with requests to these hosts and to no others: those of `node:http`
 * and `node:https`, of `fetch` and of undici, each hop of a redirect by itself. Node.js publishes them before they are written, so no
 * client is patched. The function ends it.
 */
export function sendAttribution(hosts: readonly HostPattern[]): () => void {
  if (hosts.length === 0) return () => {};
  const onHttp = (message: unknown): void =>
    harmlessly(() => addToHttp((message as { request: ClientRequest }).request, hosts));
  const onUndici = (message: unknown): void =>
    harmlessly(() => addToUndici((message as { request: UndiciRequest }).request, hosts));
  diagnosticsChannel.subscribe("http.client.request.created", onHttp);
  diagnosticsChannel.subscribe("undici:request:create", onUndici);
  return () => {
    diagnosticsChannel.unsubscribe("http.client.request.created", onHttp);
    diagnosticsChannel.unsubscribe("undici:request:create", onUndici);
  };
}

/** What a subscriber throws ends the process, and a request is worth more than its attribution. */
function harmlessly(work: () => void): void {
  try {
    work();
  } catch {
    // It goes out without.
  }
}

function addToHttp(request: ClientRequest & { readonly socketPath?: unknown }, hosts: readonly HostPattern[]): void {
  // Who listens on a socket of the file system has no host. Headers given as a list are written already.
  if (request.socketPath || request.headersSent || !coversHost(hosts, bracketed(request.host), portOf(request))) return;
  const ours = attributionHeader();
  if (ours === undefined) return;
  const theirs = request.getHeader("baggage");
  request.setHeader("baggage", theirs === undefined ? ours : `${[theirs].flat().join(",")},${ours}`);
}

/** An IPv6 address is in brackets in a URL, and without them in the options of a request. */
function bracketed(host: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}

/** A request tells its port by the `Host` header that Node.js made of it; one that names another host says nothing of the port. */
function portOf(request: ClientRequest): number | undefined {
  const [, name, port] = /^(.*?)(?::(\d+))?$/.exec(String(request.getHeader("host") ?? "")) ?? [];
  if (name !== bracketed(request.host)) return undefined;
  return port === undefined ? (request.protocol === "https:" ? 443 : 80) : Number(port);
}

function addToUndici(request: UndiciRequest, hosts: readonly HostPattern[]): void {
  const origin = request.origin === undefined || request.origin === null ? undefined : parsed(request.origin);
  if (origin === undefined || typeof request.addHeader !== "function") return;
  const port = Number(origin.port) || (origin.protocol === "https:" ? 443 : 80);
  if (!coversHost(hosts, origin.hostname, port)) return;
  const ours = attributionHeader();
  // Beside that of others: servers join headers of one name.
  if (ours !== undefined) request.addHeader("baggage", ours);
}

function parsed(origin: string | URL): URL | undefined {
  return typeof origin === "string" ? (URL.parse(origin) ?? undefined) : origin;
}

/** Undefined when there is nothing to tell. */
function attributionHeader(): string | undefined {
  const entries = Object.entries(currentAttribution());
  // Suppressed is what exporters send: nobody's request.
  if (entries.length === 0 || isTracingSuppressed(context.active())) return undefined;
  return entries
    .map(([field, value]) => `${attributionPrefix}${field}=${encodeURIComponent(String(value).toWellFormed())}`)
    .join(",");
}
