import type { IncomingMessage, ServerResponse } from "node:http";
import { diag } from "@opentelemetry/api";
import { createOpenRequest, type OpenRequest } from "./context/open-request.ts";
import type { RequestsOptions } from "./context/requests-options.ts";
import type { ServerAnswer, ServerRequest } from "./requests/track-request.ts";

export { currentRequestId } from "./context/request-context.ts";
export type { RequestLogger, RequestsOptions } from "./context/requests-options.ts";
export { setRoute } from "./requests/track-request.ts";

/**
 * A listener for node:http and node:http2: `createServer(requests({ … }, handler))`. Meters each request, gives it an id
 * (`X-Request-ID`, from the client where it is sane) and the attribution that `attribution(request)` says, and logs it. The handler
 * names the route's template by `setRoute(request, "/users/:id")`.
 *
 * What the handler throws, or rejects with, is answered by 500 and logged (without a logger: told on `diag`), as frameworks do; alone it
 * would end the process. An answer that has begun is cut off then.
 *
 * @throws Error of one line when an option is wrong.
 */
export function requests<
  Request extends ServerRequest = IncomingMessage,
  Response extends ServerAnswer = ServerResponse,
>(
  options: RequestsOptions<Request>,
  handler: (request: Request, response: Response) => unknown,
): (request: Request, response: Response) => void {
  const openRequest = createOpenRequest(options);
  return (request, response) => {
    const open = openRequest(request, response, request);
    answer(open, () => handler(request, response)).catch((error: unknown) => {
      open.failed(error);
      if (options.logger === undefined) tell(error);
      give500(response);
    });
  };
}

async function answer(open: OpenRequest, work: () => unknown): Promise<void> {
  await open.run(work);
}

function give500(response: ServerAnswer): void {
  try {
    if (response.headersSent) {
      response.destroy();
      return;
    }
    for (const name of response.getHeaderNames()) if (name.startsWith("content-")) response.removeHeader(name);
    response.statusCode = 500;
    response.setHeader("content-type", "text/plain; charset=utf-8");
    response.end("the request failed\n");
  } catch {
    // The client is gone.
  }
}

function tell(error: unknown): void {
  try {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    diag.error(`[meterbridge] [http] the handler of a request failed, 500 was answered: ${reason}`);
  } catch {
    // Nobody is left to tell.
  }
}
