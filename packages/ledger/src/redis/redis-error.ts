import { ledgerError, type LedgerStoreError } from "../ledger-error.ts";

/** What went wrong with one call, apart from whom to tell. */
export interface RedisTrouble {
  readonly error: LedgerStoreError;
  /** The server answered and can serve: one refused command says nothing about the next. */
  readonly isServing: boolean;
}

/** Sorts a client's error. `where` names the server without credentials. */
export function redisTrouble(where: string, command: string, cause: unknown): RedisTrouble {
  const reason = describe(cause);
  const code = /^([A-Z][A-Z0-9]+) /.exec(reason)?.[1];
  const isTemporary = code === undefined || unusable.has(code) || full.has(code);
  return {
    error: ledgerError(isTemporary ? "unavailable" : "refused", say(where, `${command} failed: ${reason}`), cause),
    isServing: code !== undefined && !unusable.has(code),
  };
}

/** One line in the house's form. */
export function say(where: string, message: string): string {
  return `[meterbridge] [ledger] [redis] ${where}: ${message}`.slice(0, longestMessage);
}

/** The server's own code, when the error is an answer of the server. */
export function replyCode(error: unknown): string | undefined {
  return /^([A-Z][A-Z0-9]+)(?: |$)/.exec(describe(error))?.[1];
}

/** What a line about a failure gives as its reason: a URL's user info never. */
export function describe(error: unknown): string {
  const text = error instanceof Error ? messageOf(error) : String(error);
  return text.replaceAll(/\/\/[^/\s@]*@/g, "//…@");
}

function messageOf(error: Error): string {
  // Node.js leaves the message of several failed addresses empty.
  if (error instanceof AggregateError && error.message === "") return error.errors.map(describe).join(", ");
  return error.message === "" ? error.name : error.message;
}

const longestMessage = 400;

/** Answers of a server that cannot serve anything for now. */
const unusable: ReadonlySet<string> = new Set([
  "BUSY",
  "CLUSTERDOWN",
  "DENIED",
  "LOADING",
  "MASTERDOWN",
  "NOAUTH",
  "TRYAGAIN",
  "WRONGPASS",
]);

/** Answers of a server that serves reads, and takes writes again later. */
const full: ReadonlySet<string> = new Set(["ASK", "MISCONF", "MOVED", "NOREPLICAS", "OOM", "READONLY"]);
