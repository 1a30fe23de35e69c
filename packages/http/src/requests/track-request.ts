import type { ServerResponse } from "node:http";
import type { Http2ServerResponse } from "node:http2";
import { errorTypeOf } from "@meterbridge/core";
import {
  beginExchange,
  endExchange,
  exchangeOf,
  groupOf,
  isHttp2,
  schemeOf,
  type ServerAnswer,
  type ServerRequest,
} from "./exchange.ts";
import { frameworkRoute } from "./framework-route.ts";

export type { ServerAnswer, ServerRequest } from "./exchange.ts";

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
export function trackRequest(request: ServerRequest, response: ServerAnswer): void {
  try {
    if (isHttp2(request)) {
      const { stream } = response as Http2ServerResponse;
      if (stream === undefined || stream.destroyed || stream.closed) return;
      const exchange = beginExchange(stream, stream, request, groupOf(request.method, schemeOf(request.scheme)));
      // The channel knows the stream alone.
      if (exchange === undefined) rememberRequest(request);
      return;
    }
    const answering = response as ServerResponse;
    const { socket } = request;
    if (answering.writableFinished || answering.destroyed || socket.destroyed) return;
    const group = groupOf(
      request.method ?? "GET",
      "encrypted" in socket && socket.encrypted === true ? "https" : "http",
    );
    if (beginExchange(socket, answering, request, group) === undefined) return;
    answering.once("finish", () => endExchange(socket, answering));
  } catch {
    // Something that only resembles a request, as in a test of the application's: nothing to meter.
  }
}

/**
 * Names the route that a request took, by its template, such as `/users/:id`; never by the path. Before the end of the answer; the last
 * call counts, and goes before what the framework tells. Never throws.
 */
export function setRoute(request: ServerRequest, template: string): void {
  if (typeof template !== "string" || template === "") return;
  try {
    const exchange = exchangeOf(request);
    if (exchange !== undefined) exchange.route = template;
  } catch {
    // As above.
  }
}

/** The route's template: as it was set, else as the framework tells it so far; undefined when nobody knows one (yet). */
export function routeOf(request: ServerRequest): string | undefined {
  try {
    return exchangeOf(request)?.route ?? frameworkRoute(request);
  } catch {
    return undefined;
  }
}

/** The same for servers without node:http: the caller ends what it starts. Never throws. */
export function trackFetch(request: { readonly method: string; readonly url: string }): FetchTracking {
  const begun = performance.now();
  const requests = groupOf(request.method, /^https:/i.test(request.url) ? "https" : "http");
  let route: string | undefined;
  let isEnded = false;
  requests.begin();
  return {
    setRoute(template) {
      if (typeof template === "string" && template !== "") route = template;
    },
    end({ status, error }) {
      if (isEnded) return;
      isEnded = true;
      const errorType = error === undefined ? undefined : errorTypeOf(error);
      requests.end((performance.now() - begun) / 1000, status, route, errorType);
    },
  };
}

function rememberRequest(request: ServerRequest): void {
  const exchange = exchangeOf(request);
  if (exchange !== undefined) exchange.request ??= request;
}
