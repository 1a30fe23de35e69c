import type { IncomingMessage, ServerResponse } from "node:http";
import { createOpenRequest, openRequestOf } from "./context/open-request.ts";
import type { RequestsOptions } from "./context/requests-options.ts";

export { currentRequestId } from "./context/request-context.ts";
export type { RequestLogger, RequestsOptions } from "./context/requests-options.ts";

/**
 * Middleware for Express 4 and 5, and for NestJS on it: meters each request, gives it an id (`X-Request-ID`, from the client where it is
 * sane) and the attribution that `attribution(request)` says, and logs it. First of all: `app.use(requests({ … }))`.
 *
 * @throws Error of one line when an option is wrong.
 */
export function requests(
  options: RequestsOptions<IncomingMessage> = {},
): (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void {
  const open = createOpenRequest(options);
  return (request, response, next) => {
    void open(request, response, request).run(() => next());
  };
}

/**
 * Has the line of a failed request tell what was thrown: `app.use(requestErrors())` behind the routes, before the application's own
 * handler of errors. Answers nothing.
 */
export function requestErrors(): (
  error: unknown,
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void {
  return (error, request, _response, next) => {
    openRequestOf(request)?.failed(error);
    next(error);
  };
}
