import type { IncomingMessage, ServerResponse } from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { subscribeAll } from "./channel-listeners.ts";
import { beginExchange, endExchange, groupOf, schemeOf, type Carrier } from "./exchange.ts";
import { onFastify } from "./fastify-routes.ts";

let unfollowEnds: (() => void) | undefined;

/**
 * Meters every request that a server of node:http begins to answer, and those of node:http2 where Node.js tells of them (24 and
 * later). The returned function ends that; what is in progress is still followed to its end.
 */
export function followServers(): () => void {
  const unfollow = subscribeAll({
    "http.server.request.start": requestStarted,
    "http2.server.stream.start": streamStarted,
    "fastify.initialization": onFastify,
  });
  // Kept for ever: it costs next to nothing for requests that are not followed.
  unfollowEnds ??= subscribeAll({ "http.server.response.finish": responseFinished });
  return unfollow;
}

interface Message {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly socket: Socket & Carrier & { readonly encrypted?: boolean };
}

function requestStarted({ request, response, socket }: Message): void {
  beginExchange(socket, response, request, groupOf(request.method!, socket.encrypted === true ? "https" : "http"));
}

function responseFinished({ response, socket }: Message): void {
  endExchange(socket, response);
}

interface StreamMessage {
  readonly stream: ServerHttp2Stream;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** Ends when the stream closes. Streams the server pushes answer nobody's request: their numbers are even. */
function streamStarted({ stream, headers }: StreamMessage): void {
  if ((stream.id ?? 0) % 2 === 0) return;
  beginExchange(stream, stream, undefined, groupOf(String(headers[":method"]), schemeOf(headers[":scheme"])));
}
