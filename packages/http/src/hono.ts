import type { IncomingMessage, ServerResponse } from "node:http";
import { createOpenFetch } from "./context/open-fetch.ts";
import { createOpenRequest } from "./context/open-request.ts";
import { requestIdHeader } from "./context/request-id.ts";
import type { RequestsOptions } from "./context/requests-options.ts";

export { currentRequestId } from "./context/request-context.ts";
export type { RequestLogger, RequestsOptions } from "./context/requests-options.ts";

/** As much of Hono's context as is needed. */
export interface HonoContext {
  readonly req: {
    readonly raw: Request;
    readonly matchedRoutes: readonly HonoRoute[];
    readonly routeIndex: number;
  };
  readonly res: Response;
  readonly error: unknown;
  /** Of `@hono/node-server`: the request and response of node:http. */
  readonly env: unknown;
  header(name: string, value: string): void;
}

export interface HonoRoute {
  readonly method: string;
  readonly path: string;
  readonly handler: (...given: never[]) => unknown;
}

/**
 * Middleware for Hono 4, on Node.js or elsewhere: meters each request, gives it an id (`X-Request-ID`, from the client where it is sane)
 * and the attribution that `attribution(context)` says, and logs it. First of all: `app.use(requests({ … }))`.
 *
 * @throws Error of one line when an option is wrong.
 */
export function requests(
  options: RequestsOptions<HonoContext> = {},
): (context: HonoContext, next: () => Promise<void>) => Promise<void> {
  const openRequest = createOpenRequest(options);
  const openFetch = createOpenFetch(options);

  async function onNode(context: HonoContext, next: () => Promise<void>, { incoming, outgoing }: NodeBindings) {
    const open = openRequest(incoming, outgoing, context);
    try {
      await open.run(next);
    } finally {
      if (context.error !== undefined) open.failed(context.error);
      const route = routeOf(context);
      if (route !== undefined) open.route(route);
    }
  }

  async function elsewhere(context: HonoContext, next: () => Promise<void>) {
    const open = openFetch(context.req.raw, context);
    try {
      await open.run(next);
    } catch (error) {
      open.end({ error, route: routeOf(context) });
      throw error;
    }
    context.header(requestIdHeader, open.requestId);
    open.end({ status: context.res.status, route: routeOf(context), error: context.error });
  }

  return (context, next) => {
    const bindings = nodeBindings(context.env);
    return bindings === undefined ? elsewhere(context, next) : onNode(context, next, bindings);
  };
}

interface NodeBindings {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
}

function nodeBindings(env: unknown): NodeBindings | undefined {
  const { incoming, outgoing } = Object(env) as Partial<NodeBindings>;
  return incoming === undefined || outgoing === undefined ? undefined : { incoming, outgoing };
}

/**
 * The template of the route that was reached last. A middleware's pattern is none: it is registered for all methods, as `app.all` is,
 * and takes `next`, as a handler does not.
 */
function routeOf({ req: { matchedRoutes, routeIndex } }: HonoContext): string | undefined {
  const route = matchedRoutes[routeIndex];
  if (route === undefined || (route.method === "ALL" && route.handler.length > 1)) return undefined;
  return route.path;
}
