import type { IncomingMessage, ServerResponse } from "node:http";
import { createOpenRequest, type OpenRequest, openRequestOf } from "./context/open-request.ts";
import type { RequestsOptions } from "./context/requests-options.ts";

export { currentRequestId } from "./context/request-context.ts";
export type { RequestLogger, RequestsOptions } from "./context/requests-options.ts";

/** As much of Fastify's request as is needed. */
export interface FastifyRequest {
  readonly raw: IncomingMessage;
  readonly routeOptions: { readonly url?: string | undefined };
}

export interface FastifyReply {
  readonly raw: ServerResponse;
}

/** As much of a Fastify application as is needed. */
export interface FastifyApplication {
  addHook(name: "onRequest", hook: (request: FastifyRequest, reply: FastifyReply, done: () => void) => void): unknown;
  addHook(
    name: "onError",
    hook: (request: FastifyRequest, reply: FastifyReply, error: Error, done: () => void) => void,
  ): unknown;
}

/**
 * Plugin for Fastify 4 and 5: meters each request, gives it an id (`X-Request-ID`, from the client where it is sane) and the attribution
 * that `attribution(request)` says, and logs it. Before other plugins: `app.register(requests, { … })`; it holds for the application
 * that it is registered on, with all its plugins.
 *
 * Wrong options let the application's start fail with an Error of one line.
 */
export function requests(
  application: FastifyApplication,
  options: RequestsOptions<FastifyRequest>,
  done: (error?: Error) => void,
): void {
  let openRequest: ReturnType<typeof createOpenRequest<FastifyRequest>>;
  try {
    openRequest = createOpenRequest(options);
  } catch (error) {
    return done(error as Error);
  }
  application.addHook("onRequest", (request, reply, next) => {
    const open = openRequest(request.raw, reply.raw, request);
    nameRoute(open, request);
    void open.run(() => next());
  });
  application.addHook("onError", (request, _reply, error, next) => {
    openRequestOf(request.raw)?.failed(error);
    next();
  });
  done();
}

function nameRoute(open: OpenRequest, { routeOptions }: FastifyRequest): void {
  if (routeOptions.url !== undefined) open.route(routeOptions.url);
}

// What fastify-plugin does (Fastify's documentation, "Plugins"): hooks hold beyond the plugin, under a name for Fastify's messages.
Object.assign(requests, {
  [Symbol.for("skip-override")]: true,
  [Symbol.for("fastify.display-name")]: "@meterbridge/http",
});
