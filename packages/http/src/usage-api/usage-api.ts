import { json, mountable, type Answer, type AskedFor, type Mountable } from "../mountable.ts";
import { createAuthorisation } from "./authorise.ts";
import type { UsageApiCaller } from "./caller.ts";
import { openApiDocument } from "./open-api.ts";
import { refusal, refusedWith, type Refusal } from "./problem.ts";
import { createRateLimit } from "./rate-limit.ts";
import { readQuery } from "./read-query.ts";
import type { Route } from "./route.ts";
import { routes } from "./routes.ts";
import { createSources } from "./sources.ts";
import { createTokenStore } from "./token-store.ts";
import { checkUsageApiOptions, type UsageApiOptions } from "./usage-api-options.ts";

export interface UsageApi extends Mountable {
  /** The OpenAPI 3.1 description of all routes, as `/openapi.json` answers it. */
  openApi(): Promise<object>;
}

/**
 * The usage API: live figures of this process from its meters, and history from the usage ledger, over HTTP and as JSON. It reads
 * what `start()` of `@meterbridge/node` runs, so it may be made before that. Routes, tokens and how to mount it: docs/usage-api.md.
 *
 * Without a token or `authenticate` only this machine is answered. An admin's credential sees all, a tenant's that tenant alone.
 *
 * @throws Error of one line when an option, a variable of the environment, a token or the file of tokens is wrong.
 */
export function usageApi(options: UsageApiOptions = {}): UsageApi {
  const checked = checkUsageApiOptions(options, process.env);
  const { basePath, timeZone } = checked;
  const callerOf = createAuthorisation(
    createTokenStore(checked),
    checked.authenticate,
    createRateLimit(checked.rateLimit),
  );
  const sources = createSources(checked.timeoutMillis);

  let description: Promise<object> | undefined;
  const describe = (): Promise<object> => (description ??= openApiDocument(routes, basePath));

  async function answer(request: AskedFor): Promise<Answer> {
    if (request.method !== "GET" && request.method !== "HEAD") throw methodNotAllowed();
    const caller = await callerOf(request);
    const found = routeOf(pathBelow(basePath, request.path), caller);
    const query = scoped(readQuery(found.query, ownTenantFirst(found, request.query, caller)), caller);
    const result = await found.respond({ query, caller, request, sources, timeZone, describe });
    return typeof found.answer === "string" ? (result as Answer) : json(200, result);
  }

  const { handler, fetch } = mountable(async (request) => guarded(await answer(request).catch(answerOf)));
  return { handler, fetch, openApi: async () => structuredClone(await describe()) };
}

/** What a caller may not see is not there for it either, so that the list of what there is tells no more than it may use. */
function routeOf(path: string, caller: UsageApiCaller): Route {
  const found = routes.find((each) => each.path === path);
  if (found === undefined) {
    const allowed = routes.filter((each) => mayUse(caller, each)).map((each) => each.path);
    throw refusal(404, { message: "there is no such route", allowed });
  }
  if (!mayUse(caller, found)) throw refusal(403, { message: "this route is for administrators" });
  return found;
}

function mayUse(caller: UsageApiCaller, { scope }: Route): boolean {
  return caller.scope === "admin" || scope === "tenant";
}

/** A tenant need not say which it is, also where an administrator has to. */
function ownTenantFirst({ query: schema }: Route, query: URLSearchParams, caller: UsageApiCaller): URLSearchParams {
  if (caller.scope === "admin" || query.has("tenant") || !Object.hasOwn(schema.entries, "tenant")) return query;
  return new URLSearchParams([...query, ["tenant", caller.tenant]]);
}

/**
 * The one place that ties a tenant to its rows: the tenant of every question is the caller's own. Asking for another is answered
 * alike whether there is such a tenant or not.
 */
function scoped(query: unknown, caller: UsageApiCaller): unknown {
  const { tenant } = query as { readonly tenant?: string };
  if (caller.scope === "admin" || tenant === undefined || tenant === caller.tenant) return query;
  throw refusal(403, {
    parameter: "tenant",
    message: "this credential is for one tenant, and not for the one asked for",
  });
}

function pathBelow(basePath: string, path: string): string {
  const below = path === basePath || path.startsWith(`${basePath}/`) ? path.slice(basePath.length) : path;
  return below.length > 1 && below.endsWith("/") ? below.slice(0, -1) : below;
}

function answerOf(error: unknown): Answer {
  return refusedWith(error) ?? json(500, { error: { message: "the request failed" } });
}

/** No other site's page may read an answer, nor a browser guess that it is a page itself. */
function guarded({ status, headers, body }: Answer): Answer {
  const ours = { "x-content-type-options": "nosniff", "cross-origin-resource-policy": "same-origin" };
  return { status, headers: { ...headers, ...ours }, body };
}

function methodNotAllowed(): Refusal {
  return refusal(405, { message: "only GET and HEAD are allowed", allowed: ["GET", "HEAD"] }, { allow: "GET, HEAD" });
}
