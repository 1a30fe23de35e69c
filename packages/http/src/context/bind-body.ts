import type { ServerRequest } from "../requests/track-request.ts";

/**
 * Has the listeners of a request called by `enter`. Node.js calls them in the connection's context, so that what reads a body by `data`
 * and `end`, as body parsers do, would lose the request. One without a body is left as it is: nobody waits for anything of it, and the
 * answer's events come in the context of who writes it.
 */
export function bindBody(request: ServerRequest, enter: (emit: () => boolean) => boolean): void {
  if (!hasBody(request)) return;
  const { emit } = request;
  request.emit = (name: string, ...values: unknown[]) => enter(() => emit.call(request, name, ...values));
}

function hasBody({ headers, httpVersionMajor, method }: ServerRequest): boolean {
  if (httpVersionMajor === 2) return method !== "GET" && method !== "HEAD";
  const length = headers["content-length"];
  return headers["transfer-encoding"] !== undefined || (length !== undefined && length !== "0");
}
