import type { ServerRequest } from "../requests/track-request.ts";

/** Whether the request's path is one of those, or below one. */
export function isSkipped(request: ServerRequest, paths: readonly string[]): boolean {
  if (paths.length === 0) return false;
  // Express takes off where a router is mounted.
  const { originalUrl } = request as { readonly originalUrl?: unknown };
  return isBelow(typeof originalUrl === "string" ? originalUrl : (request.url ?? "/"), paths);
}

/** The same for a target, of which the query and what is behind a `#` do not count. */
export function isBelow(target: string, paths: readonly string[]): boolean {
  return paths.some((path) => {
    if (!target.startsWith(path)) return false;
    const next = target[path.length];
    return next === undefined || next === "/" || next === "?" || next === "#" || path.endsWith("/");
  });
}
