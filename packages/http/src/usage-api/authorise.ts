import { diag } from "@opentelemetry/api";
import type { AskedFor } from "../mountable.ts";
import { isCaller, type UsageApiCaller } from "./caller.ts";
import { isFromThisMachine } from "./loopback.ts";
import { refusal, type Refusal } from "./problem.ts";
import { takeOne, type RateLimit } from "./rate-limit.ts";
import { tokenPattern } from "./read-tokens.ts";
import type { TokenStore } from "./token-store.ts";
import { variables, type UsageApiOptions } from "./usage-api-options.ts";

/**
 * Tells who asks, or refuses: 401 without a hint of what was wrong with the credential, 403 where there are none to give, 429 when
 * it is too much. A credential has its own allowance, so that strangers at the same address cannot use it up.
 */
export function createAuthorisation(
  tokens: TokenStore,
  authenticate: UsageApiOptions["authenticate"],
  rateLimit: RateLimit,
): (request: AskedFor) => Promise<UsageApiCaller> {
  const askApplication = authenticate === undefined ? undefined : watched(authenticate);
  return async (request) => {
    const token = bearerToken(request);
    const known = token === undefined ? undefined : await tokens.find(token);
    if (known !== undefined) {
      takeOne(rateLimit, known.hash.toString("base64"));
      return known.caller;
    }
    if (!tokens.isConfigured && askApplication === undefined) {
      if (!isFromThisMachine(request) || isCrossSite(request)) throw notFromHere();
      takeOne(rateLimit, "this machine");
      return { scope: "admin" };
    }
    const caller = request.headerCount("authorization") > 1 ? undefined : await askApplication?.(request);
    if (caller === undefined || (isCrossSite(request) && request.header("authorization") === undefined)) {
      takeOne(rateLimit, `address ${networkOf(request.remoteAddress)}`);
      throw unauthorised();
    }
    takeOne(rateLimit, caller.scope === "admin" ? "application's admin" : `application's tenant ${caller.tenant}`);
    return caller;
  };
}

/** The one token that was given in the one way there is; anything else is as good as none. */
function bearerToken(request: AskedFor): string | undefined {
  if (request.headerCount("authorization") !== 1) return undefined;
  const header = request.header("authorization") ?? "";
  // Longer than any token, and not worth hashing.
  if (header.length > 2048) return undefined;
  const [scheme = "", token = "", ...more] = header.split(" ");
  return scheme.toLowerCase() === "bearer" && more.length === 0 && tokenPattern.test(token) ? token : undefined;
}

/** What the application tells of who asks, if it is of the right form. A fault is told to the log once until it is over. */
function watched(
  authenticate: NonNullable<UsageApiOptions["authenticate"]>,
): (request: AskedFor) => Promise<UsageApiCaller | undefined> {
  let isTold = false;
  const failed = (reason: string): Refusal => {
    if (!isTold) diag.error(`[meterbridge] [http] usageApi(): ${reason}, and the request is refused`);
    isTold = true;
    return refusal(500, { message: "the application could not tell who asks" });
  };
  return async (request) => {
    let answer: unknown;
    try {
      answer = await authenticate(request);
    } catch (error) {
      throw failed(`authenticate failed: ${error instanceof Error ? error.message : typeof error}`);
    }
    if (answer !== undefined && !isCaller(answer)) {
      throw failed(
        'authenticate must return { scope: "admin" }, { scope: "tenant", tenant } or undefined, and did not',
      );
    }
    isTold = false;
    if (answer === undefined) return undefined;
    return answer.scope === "admin" ? { scope: "admin" } : { scope: "tenant", tenant: answer.tenant };
  };
}

/** A browser says so when another site's page makes the request, with this site's cookies or on this machine. */
function isCrossSite(request: AskedFor): boolean {
  const site = request.header("sec-fetch-site");
  return site !== undefined && site !== "same-origin" && site !== "none";
}

function unauthorised(): Refusal {
  return refusal(401, { message: "a valid credential is needed" }, { "www-authenticate": "Bearer" });
}

function notFromHere(): Refusal {
  return refusal(403, {
    message:
      "no tokens are configured, so that only requests from this machine are answered, without a proxy and for localhost: " +
      `set ${variables.adminToken} or ${variables.tokensFile}, or give usageApi() tokens or authenticate`,
  });
}

/** Whoever has one IPv6 address has 2^64 of them. */
function networkOf(address: string | undefined): string {
  if (address === undefined) return "unknown";
  if (!address.includes(":") || address.includes(".")) return address;
  const [start = "", end] = address.split("::");
  const groups = start === "" ? [] : start.split(":");
  const rest = end === undefined || end === "" ? [] : end.split(":");
  const zeros = end === undefined ? 0 : 8 - groups.length - rest.length;
  return [...groups, ...Array.from({ length: Math.max(0, zeros) }, () => "0"), ...rest].slice(0, 4).join(":");
}
