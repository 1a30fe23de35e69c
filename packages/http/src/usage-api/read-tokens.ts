import { createHash } from "node:crypto";
import { shown } from "../check-options.ts";
import { isCaller, type UsageApiCaller } from "./caller.ts";

/** A token as it is kept: its hash alone. */
export interface KnownToken {
  readonly hash: Buffer;
  readonly caller: UsageApiCaller;
  /** Unix milliseconds; Infinity where it never ends. */
  readonly expires: number;
}

/**
 * Checks tokens as they were written down. No message shows one.
 * @param where Of the first token's place in messages: `option "tokens"`.
 * @throws Error of one line that says which token is wrong, how, and what it must be.
 */
export function readTokens(given: unknown, where: string): readonly KnownToken[] {
  if (!Array.isArray(given)) throw new Error(`${who} ${where} must be a list of tokens`);
  return withoutDoubles(
    given.map((each, index) => readToken(each, `${where}[${index}]`)),
    where,
  );
}

/** Two meanings of one token would leave it to chance which one counts. @throws Error where a token is there twice. */
export function withoutDoubles(tokens: readonly KnownToken[], where: string): readonly KnownToken[] {
  const seen = new Map(tokens.map((token) => [token.hash.toString("hex"), token]));
  if (seen.size === tokens.length) return tokens;
  throw new Error(`${who} ${where} has the same token twice: make one for each use, with openssl rand -hex 32`);
}

export function hashOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

/** What a bearer token may be made of, here and in a request: visible ASCII. */
export const tokenPattern: RegExp = /^[\x21-\x7E]+$/;

function readToken(given: unknown, where: string): KnownToken {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new Error(`${who} ${where} must be an object with token and scope`);
  }
  const { token, scope, tenant, expires, ...others } = given as Readonly<Record<string, unknown>>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    throw new Error(`${who} ${where} has a field ${shown(unknown)}, and may have token, scope, tenant and expires`);
  }
  if (typeof token !== "string" || token.length < shortest || token.length > longest || !tokenPattern.test(token)) {
    const found = typeof token === "string" ? `a text of ${token.length}` : typeof token;
    throw new Error(
      `${who} ${where}.token must be ${shortest} to ${longest} visible ASCII characters, found ${found}: ` +
        "make one with openssl rand -hex 32",
    );
  }
  const caller = { scope, ...(tenant === undefined ? undefined : { tenant }) };
  if (!isCaller(caller)) {
    throw new Error(
      `${who} ${where} must have scope "admin", or scope "tenant" and a tenant of 1 to 255 characters, ` +
        `found scope ${shown(scope)} and tenant ${shown(tenant)}`,
    );
  }
  return { hash: hashOf(token), caller, expires: readExpiry(expires, where) };
}

function readExpiry(expires: unknown, where: string): number {
  if (expires === undefined) return Infinity;
  const moment = typeof expires === "string" && isoMoment.test(expires) ? Date.parse(expires) : Number.NaN;
  if (!Number.isNaN(moment)) return moment;
  throw new Error(
    `${who} ${where}.expires must be an ISO 8601 date or time such as 2027-01-01T00:00:00Z, found ${shown(expires)}`,
  );
}

/** A time has to tell its offset: without one it would end at another moment on each machine. */
const isoMoment = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/;
const who = "[meterbridge] [http] usageApi():";
const shortest = 32;
const longest = 1024;
