import { mountTemplate, type ExpressRequest } from "./express-mounts.ts";

/**
 * The template of the route that a request took, as far as the framework leaves it on the request (Express, and what is built on it),
 * or undefined: for requests without a route, and where the framework keeps it elsewhere. Never throws, never gives the path.
 */
export function frameworkRoute(request: object): string | undefined {
  const { route, baseUrl }: ExpressRequest = request;
  if (route === undefined && baseUrl === undefined) return undefined;
  try {
    const path = pathOf(route);
    if (typeof baseUrl !== "string" || baseUrl === "") return path;
    const mount = mountTemplate(request, baseUrl);
    // Where a router is mounted cannot always be found out, and its place in the path may hold a value.
    return path === undefined ? mount : joined(mount ?? "/*", path);
  } catch {
    return undefined;
  }
}

/** Patterns are texts, regular expressions, or lists of both. */
function pathOf(route: unknown): string | undefined {
  const path: unknown = (route as { readonly path?: unknown } | null | undefined)?.path;
  if (typeof path === "string") return path === "" ? "/" : path;
  if (path instanceof RegExp) return path.source;
  if (Array.isArray(path)) return path.flat(Infinity).map(String).join("|");
  return undefined;
}

function joined(mount: string, path: string): string {
  return path === "/" ? mount : mount + (path.startsWith("/") ? path : `/${path}`);
}
