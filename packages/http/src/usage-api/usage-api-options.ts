import * as v from "valibot";
import { aFunction, checkOptions } from "../check-options.ts";
import type { AskedFor } from "../mountable.ts";
import type { UsageApiCaller, UsageApiToken } from "./caller.ts";
import { isTimeZone } from "./query-fields.ts";

export interface UsageApiOptions {
  /**
   * Where the API is mounted, for servers that leave that in front of the path (Fastify, Hono, node:http), for example
   * `/api/v1/metrics`. Where Express has taken it off, it does no harm.
   * @default ""
   */
  readonly basePath?: string;
  /** Bearer tokens. Those of the options, of the file and of the environment all count. */
  readonly tokens?: readonly UsageApiToken[];
  /**
   * A JSON file of more tokens: `{ "tokens": [{ "token": "…", "scope": "tenant", "tenant": "acme" }] }`. Read again within a second
   * of a change; while it cannot be used, the tokens read before stay. Environment: `METERBRIDGE_API_TOKENS_FILE`.
   */
  readonly tokensFile?: string;
  /**
   * Who asks, by the application's own session or token; undefined: nobody it knows. Asked when no bearer token of ours was given.
   * The server's own request is `request.original`.
   */
  readonly authenticate?: (request: AskedFor) => UsageApiCaller | undefined | Promise<UsageApiCaller | undefined>;
  /**
   * Requests a minute of one token, or of one address without one; as many may come at once. 0: no limit.
   * Environment: `METERBRIDGE_API_RATE_LIMIT`.
   * @default 600
   */
  readonly rateLimit?: number;
  /**
   * Whose days, weeks and months, where a request does not say: an IANA name. Environment: `METERBRIDGE_API_TIME_ZONE`.
   * @default "UTC"
   */
  readonly timeZone?: string;
  /**
   * How long the ledger or the meters may take before the answer is 503.
   * @default 15000
   */
  readonly timeoutMillis?: number;
}

export interface CheckedUsageApiOptions {
  readonly basePath: string;
  /** Not checked yet: `readTokens` does, without showing any. */
  readonly tokens: unknown;
  readonly tokensFile: string | undefined;
  readonly adminTokens: readonly string[];
  readonly authenticate: UsageApiOptions["authenticate"];
  readonly rateLimit: number;
  readonly timeZone: string;
  readonly timeoutMillis: number;
}

/** Options win over the environment. @throws Error of one line that names the option or variable. */
export function checkUsageApiOptions(options: UsageApiOptions, environment: NodeJS.ProcessEnv): CheckedUsageApiOptions {
  const given = checkOptions("usageApi()", schema, options);
  const fromEnvironment = readEnvironment(environment);
  return {
    basePath: (given.basePath ?? "").replace(/\/+$/, ""),
    tokens: given.tokens ?? [],
    tokensFile: given.tokensFile ?? (environment[variables.tokensFile]?.trim() || undefined),
    adminTokens: (environment[variables.adminToken] ?? "").split(/[\s,]+/).filter((token) => token !== ""),
    authenticate: given.authenticate,
    rateLimit: given.rateLimit ?? fromEnvironment.rateLimit ?? 600,
    timeZone: given.timeZone ?? fromEnvironment.timeZone ?? "UTC",
    timeoutMillis: given.timeoutMillis ?? 15_000,
  };
}

function readEnvironment(environment: NodeJS.ProcessEnv): { readonly rateLimit?: number; readonly timeZone?: string } {
  const rateLimit = environment[variables.rateLimit]?.trim() ?? "";
  const timeZone = environment[variables.timeZone]?.trim() ?? "";
  if (!/^\d{0,7}$/.test(rateLimit) || Number(rateLimit) > mostPerMinute) {
    throw new Error(`[meterbridge] ${variables.rateLimit} ${limitRule}, found ${JSON.stringify(rateLimit)}`);
  }
  if (timeZone !== "" && !isTimeZone(timeZone)) {
    throw new Error(`[meterbridge] ${variables.timeZone} ${zoneRule}, found ${JSON.stringify(timeZone)}`);
  }
  return {
    ...(rateLimit === "" ? undefined : { rateLimit: Number(rateLimit) }),
    ...(timeZone === "" ? undefined : { timeZone }),
  };
}

/** The environment variables of the API. */
export const variables = {
  adminToken: "METERBRIDGE_API_ADMIN_TOKEN",
  tokensFile: "METERBRIDGE_API_TOKENS_FILE",
  rateLimit: "METERBRIDGE_API_RATE_LIMIT",
  timeZone: "METERBRIDGE_API_TIME_ZONE",
} as const;

const mostPerMinute = 1_000_000;
const limitRule = `must be a whole number of requests a minute from 0 (no limit) to ${mostPerMinute}`;
const zoneRule = "must be an IANA name such as Europe/Berlin";
const pathRule = 'must be "" or a path that starts with "/", without "?" or "#"';
const timeoutRule = "must be a whole number of milliseconds from 1 to 600000";

const schema = v.strictObject({
  basePath: v.optional(v.pipe(v.string(pathRule), v.regex(/^(?:\/[^?#\s]*)?$/, pathRule))),
  tokens: v.optional(v.unknown()),
  tokensFile: v.optional(v.pipe(v.string("must be a path"), v.minLength(1, "must be a path"))),
  authenticate: v.optional(aFunction<NonNullable<UsageApiOptions["authenticate"]>>()),
  rateLimit: v.optional(
    v.pipe(v.number(limitRule), v.integer(limitRule), v.minValue(0, limitRule), v.maxValue(mostPerMinute, limitRule)),
  ),
  timeZone: v.optional(v.pipe(v.string(zoneRule), v.check(isTimeZone, zoneRule))),
  timeoutMillis: v.optional(
    v.pipe(v.number(timeoutRule), v.integer(timeoutRule), v.minValue(1, timeoutRule), v.maxValue(600_000, timeoutRule)),
  ),
});
