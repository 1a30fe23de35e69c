import { http } from "@meterbridge/core";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";

/** A request as node:http, or node:http2 through its compatible interface, hands it to a handler. */
export type ServerRequest = IncomingMessage | Http2ServerRequest;
export type ServerAnswer = ServerResponse | Http2ServerResponse;

/** A request answered by whatever speaks `Request` and `Response`. */
export interface FetchTracking {
  /** Names the route's template. The last call counts. */
  setRoute(template: string): void;
  /** Ends the request: with the status it was answered with, or with what was thrown. The first call counts. */
  end(answer: { readonly status?: number | undefined; readonly error?: unknown }): void;
}

/**
 * Meters a server request: `http.server.active_requests` while it lasts, then `http.server.request.duration`. A request is metered
 * once, however often and by whichever door this is called. Never throws.
 */
export function trackRequest(_request: ServerRequest, _response: ServerAnswer): void {
  void http;
}

/**
 * Names the route that a request took, by its template, such as `/users/:id`; never by the path. Before the end of the answer; the last
 * call counts, and goes before what the framework tells. Never throws.
 */
export function setRoute(_request: ServerRequest, _template: string): void {}

/** The route's template: as it was set, else as the framework tells it so far; undefined when nobody knows one (yet). */
export function routeOf(_request: ServerRequest): string | undefined {
  return undefined;
}

/** The same for servers without node:http: the caller ends what it starts. Never throws. */
export function trackFetch(_request: { readonly method: string; readonly url: string }): FetchTracking {
  return { setRoute() {}, end() {} };
}
