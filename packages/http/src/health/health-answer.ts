import { type Answer, type AskedFor, json, plain } from "../mountable.ts";
import type { Health } from "./health.ts";

/** Answers what the paths stand for, with the base path in front or taken off by the framework. */
export function createHealthAnswer(
  basePath: string,
  { report, readiness }: Pick<Health, "report" | "readiness">,
): (request: AskedFor) => Promise<Answer> {
  const base = withoutSlash(basePath);

  async function overall(): Promise<Answer> {
    const body = await report();
    return json(body.status === "unhealthy" ? 503 : 200, body);
  }

  async function ready(): Promise<Answer> {
    const body = await readiness();
    return json(body.ready ? 200 : 503, body);
  }

  const live = (): Promise<Answer> => Promise.resolve(json(200, { live: true }));

  const routes = new Map<string, () => Promise<Answer>>([
    ["", overall],
    ["/health", overall],
    ["/healthz", overall],
    ["/ready", ready],
    ["/readyz", ready],
    ["/live", live],
    ["/livez", live],
  ]);

  return async ({ method, path }) => {
    const isBelow = path === base || path.startsWith(`${base}/`);
    const route = routes.get(withoutSlash(isBelow ? path.slice(base.length) : path));
    if (route === undefined) return plain(404, "the health is at /, the probes are at /ready and /live");
    if (method !== "GET" && method !== "HEAD") {
      return plain(405, "only GET and HEAD are allowed", { allow: "GET, HEAD" });
    }
    return await route();
  };
}

function withoutSlash(path: string): string {
  return path.endsWith("/") ? path.slice(0, -1) : path;
}
