import { AsyncLocalStorage } from "node:async_hooks";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createOpenRequest } from "./context/open-request.ts";
import { requestIdHeader } from "./context/request-id.ts";
import type { RequestsOptions } from "./context/requests-options.ts";

export { currentRequestId } from "./context/request-context.ts";
export type { RequestLogger, RequestsOptions } from "./context/requests-options.ts";

/** As much of Koa's context as is needed. */
export interface KoaContext {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly body?: unknown;
}

/**
 * Middleware for Koa 2 and 3: meters each request by the route of `@koa/router`, gives it an id (`X-Request-ID`, from the client where
 * it is sane) and the attribution that `attribution(context)` says, and logs it. First of all: `app.use(requests({ … }))`.
 *
 * @throws Error of one line when an option is wrong.
 */
export function requests(
  options: RequestsOptions<KoaContext> = {},
): (context: KoaContext, next: () => Promise<unknown>) => Promise<void> {
  const openRequest = createOpenRequest(options);
  return async (context, next) => {
    const open = openRequest(context.req, context.res, context);
    try {
      await open.run(async () => {
        await next();
        bindStream(context.body);
      });
    } catch (error) {
      open.failed(error);
      keepHeader(context.res, open.requestId);
      throw error;
    } finally {
      const { _matchedRoute: route } = context as { readonly _matchedRoute?: unknown };
      if (typeof route === "string") open.route(route);
      else if (route instanceof RegExp) open.route(route.source);
    }
  };
}

/**
 * Has a stream that is the answer read in the context that is active now. Koa reads it when all middlewares are through, so that what
 * makes it as it is read, such as a model's answer that is passed on, would lose the request.
 */
function bindStream(body: unknown): void {
  const stream = Object(body) as { _read?: unknown };
  const read = stream._read;
  if (typeof read !== "function") return;
  const inContext = AsyncLocalStorage.snapshot();
  stream._read = (...given: unknown[]) => inContext(() => Reflect.apply(read, stream, given) as unknown);
}

/** Koa takes all headers off the answer to an error. */
function keepHeader(response: ServerResponse, requestId: string): void {
  const writeHead: (...given: never[]) => ServerResponse = response.writeHead.bind(response);
  response.writeHead = (...given: never[]) => {
    response.setHeader(requestIdHeader, requestId);
    return writeHead(...given);
  };
}
