import { http, type HttpRequests } from "@meterbridge/core";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { frameworkRoute } from "./framework-route.ts";
import { isUnmetered } from "./unmetered.ts";

/** A request as node:http, or node:http2 through its compatible interface, hands it to a handler. */
export type ServerRequest = IncomingMessage | Http2ServerRequest;
export type ServerAnswer = ServerResponse | Http2ServerResponse;

/** What answers one request: the response of node:http, or the stream of node:http2. */
export type Answering = ServerResponse | ServerHttp2Stream;

/** What requests come over: a connection of HTTP/1, or a stream of HTTP/2. */
export type Carrier = (Socket | ServerHttp2Stream) & { [slotKey]?: Slot };

/** A request that is being answered. Without an answering response it is over, and waits to be used again. */
export interface Exchange {
  answering: Answering | undefined;
  request: ServerRequest | undefined;
  requests: HttpRequests;
  begun: number;
  route: string | undefined;
}

/**
 * The exchanges of one carrier, kept on it: a connection has one exchange object for all its requests, so that a request costs no
 * allocation. Those that a client sends without waiting for the answers before (pipelining) are kept beside it.
 */
interface Slot extends Exchange {
  readonly isUnmetered: boolean;
  pipelined: Map<Answering, Exchange> | undefined;
}

/** Shared by all copies of this package in the process: a request must not be counted by two. */
const slotKey: unique symbol = Symbol.for("meterbridge.http.exchanges");

/** Begins an exchange, once; undefined for those that are not metered. It ends by `endExchange`, or with its carrier. */
export function beginExchange(
  carrier: Carrier,
  answering: Answering,
  request: ServerRequest | undefined,
  requests: HttpRequests,
): Exchange | undefined {
  const slot = (carrier[slotKey] ??= openSlot(carrier));
  if (slot.isUnmetered || exchangeIn(slot, answering) !== undefined) return undefined;
  let exchange: Exchange = slot;
  if (slot.answering !== undefined) {
    exchange = emptyExchange();
    (slot.pipelined ??= new Map()).set(answering, exchange);
  }
  exchange.answering = answering;
  exchange.request = request;
  exchange.requests = requests;
  exchange.begun = performance.now();
  requests.begin();
  return exchange;
}

/** Ends the exchange that the response belongs to, if there is one still. */
export function endExchange(carrier: Carrier, answering: Answering, errorType?: string): void {
  const slot = carrier[slotKey];
  if (slot === undefined) return;
  const exchange = exchangeIn(slot, answering);
  if (exchange === undefined) return;
  if (exchange !== slot) slot.pipelined?.delete(answering);
  const { request, requests, begun, route } = exchange;
  // The connection may idle for long, and must not keep what was sent over it.
  exchange.answering = undefined;
  exchange.request = undefined;
  exchange.route = undefined;
  requests.end(
    (performance.now() - begun) / 1000,
    statusOf(answering),
    route ?? (request === undefined ? undefined : frameworkRoute(request)),
    errorType,
  );
}

/** The exchange of a request that is being answered. */
export function exchangeOf(request: ServerRequest): Exchange | undefined {
  const slot = carrierOf(request)?.[slotKey];
  if (slot === undefined) return undefined;
  if (slot.request === request || isHttp2(request)) return slot;
  for (const exchange of slot.pipelined?.values() ?? []) if (exchange.request === request) return exchange;
  return undefined;
}

function carrierOf(request: ServerRequest): Carrier | undefined {
  return isHttp2(request) ? request.stream : request.socket;
}

export function isHttp2(request: ServerRequest): request is Http2ServerRequest {
  return request.httpVersionMajor === 2;
}

/** The group of requests with this method. Clients may invent methods, so that not all are kept. */
export function groupOf(method: string, scheme: "http" | "https"): HttpRequests {
  const groups = scheme === "https" ? httpsGroups : httpGroups;
  let group = groups.get(method);
  if (group === undefined) {
    group = http.requests({ method, scheme });
    if (groups.size < 64 && method.length < 64) groups.set(method, group);
  }
  return group;
}

export function schemeOf(scheme: unknown): "http" | "https" {
  return scheme === "https" ? "https" : "http";
}

const httpGroups = new Map<string, HttpRequests>();
const httpsGroups = new Map<string, HttpRequests>();
const noRequests: HttpRequests = { begin() {}, end() {} };

function emptyExchange(): Exchange {
  return { answering: undefined, request: undefined, requests: noRequests, begun: 0, route: undefined };
}

function openSlot(carrier: Carrier): Slot {
  carrier.once("close", closed);
  const { server, session } = carrier as { server?: object; session?: { server?: object } };
  return { ...emptyExchange(), isUnmetered: isUnmetered(server ?? session?.server), pipelined: undefined };
}

/** The client hung up, or the server dropped it. A stream of HTTP/2 closes after every request. */
function closed(this: Carrier): void {
  const slot = this[slotKey];
  if (slot === undefined) return;
  const open = [slot.answering, ...(slot.pipelined?.keys() ?? [])];
  for (const answering of open) {
    if (answering !== undefined) endExchange(this, answering, isWhole(answering) ? undefined : "aborted");
  }
}

/** Whether the answer was given whole, for all that is known of it. */
function isWhole(answering: Answering): boolean {
  if (!("rstCode" in answering)) return answering.writableFinished;
  return !answering.aborted && answering.headersSent && (answering.rstCode ?? 0) === 0;
}

function exchangeIn(slot: Slot, answering: Answering): Exchange | undefined {
  return slot.answering === answering ? slot : slot.pipelined?.get(answering);
}

function statusOf(answering: Answering): number | undefined {
  if (!answering.headersSent) return undefined;
  if ("statusCode" in answering) return answering.statusCode;
  const status: unknown = answering.sentHeaders[":status"];
  return typeof status === "number" ? status : undefined;
}
