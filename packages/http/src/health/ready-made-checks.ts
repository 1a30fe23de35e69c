import type { HealthCheck, HealthVerdict } from "./health-check.ts";
import { checkModelApiOptions } from "./model-api-options.ts";

/** What may be said otherwise of a ready-made check. */
export type CheckOptions = Partial<Omit<HealthCheck, "check">>;

/** A pool or client of a database: node-postgres, PGlite, mysql2, or anything else that runs a statement by `query(text)`. */
export interface Queryable {
  query(statement: string): unknown;
}

/** A client of Redis: ioredis, node-redis, a cluster of either. */
export interface Pingable {
  ping(): unknown;
}

/**
 * Has the database run `SELECT 1`. Name `database`.
 *
 * A statement that hangs holds its connection. With node-postgres it is given up shortly after the deadline, and the pool makes a new
 * connection in its place; with others, one connection may hang with it, once a minute at most.
 */
export function databaseCheck(pool: Queryable, options: CheckOptions = {}): HealthCheck {
  const { timeoutMillis = 800 } = options;
  // After the deadline, so that it is the deadline that is told.
  const statement = isNodePostgres(pool) ? { text: "SELECT 1", query_timeout: timeoutMillis + 100 } : "SELECT 1";
  return { name: "database", check: () => pool.query(statement as string), ...options };
}

/** Pings Redis. Name `redis`. A client that is not connected keeps the ping until it is, which is unhealthy at the deadline. */
export function redisCheck(client: Pingable, options: CheckOptions = {}): HealthCheck {
  return { name: "redis", check: () => client.ping(), ...options };
}

export interface ModelApiCheckOptions extends CheckOptions {
  /** Default `"HEAD"`. */
  readonly method?: "GET" | "HEAD";
  /** Sent as they are: give a key here, and an answer of 401 or 403 is unhealthy. Default none: such an answer shows that it is there. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Asks the API of a model provider for an answer, whichever: unhealthy is 500 and above, and none. Name `model-api`, not required, 5
 * seconds at most, and at most once a minute. Redirects are not followed, and no key is sent unless given.
 *
 * @throws Error of one line when the URL is none of http or https, or holds credentials.
 */
export function modelApiCheck(url: string | URL, options: ModelApiCheckOptions = {}): HealthCheck {
  const { method = "HEAD", headers = {}, ...rest } = options;
  const target = checkModelApiOptions(url, { method, headers });
  const hasKey = Object.keys(headers).length > 0;
  return {
    name: "model-api",
    required: false,
    timeoutMillis: 5000,
    cacheMillis: 60_000,
    async check(signal) {
      const answer = await fetch(target, { method, headers, redirect: "manual", cache: "no-store", signal });
      await answer.body?.cancel();
      return verdictOf(answer.status, hasKey);
    },
    ...rest,
  };
}

function verdictOf(status: number, hasKey: boolean): HealthVerdict {
  const reason = `http_${status}`;
  if (status >= 500) return { status: "unhealthy", reason };
  if (hasKey && (status === 401 || status === 403)) return { status: "unhealthy", reason };
  const isOdd = status === 429 || (status >= 300 && status < 400);
  return isOdd ? { status: "degraded", reason } : { status: "healthy" };
}

/** Its pools have these counts; a single client of it has `connectionParameters`. */
function isNodePostgres(pool: object): boolean {
  return ("totalCount" in pool && "idleCount" in pool) || "connectionParameters" in pool;
}
