import type { IncomingMessage, ServerResponse } from "node:http";
import { setRoute, trackRequest } from "./track-request.ts";

/** As much of Fastify as is needed. */
interface Fastify {
  addHook(name: "onRequest", hook: (request: FastifyRequest, reply: FastifyReply, done: () => void) => void): unknown;
}

interface FastifyRequest {
  readonly raw: IncomingMessage;
  readonly routeOptions: { readonly url?: string | undefined };
}

interface FastifyReply {
  readonly raw: ServerResponse;
}

/** Has a new Fastify application tell the route of each request before any hook of its own may answer. */
export function onFastify(message: unknown): void {
  try {
    (message as { readonly fastify: Fastify }).fastify.addHook("onRequest", (request, reply, done) => {
      tellRoute(request, reply);
      done();
    });
  } catch {
    // A version that has no such hook: its requests are metered without routes.
  }
}

function tellRoute({ raw, routeOptions }: FastifyRequest, reply: FastifyReply): void {
  // HTTP/2 is told of by no channel before Node.js 24.
  if (raw.httpVersionMajor === 2) trackRequest(raw, reply.raw);
  const { url } = routeOptions;
  if (url !== undefined) setRoute(raw, url);
}
