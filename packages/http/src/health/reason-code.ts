import { getSystemErrorMap } from "node:util";

/** Whether a reason that a check gave may be shown as it is. */
export function isReasonCode(value: unknown): value is string {
  return typeof value === "string" && /^[a-z0-9][a-z0-9.,_-]{0,63}$/i.test(value);
}

/**
 * What may be shown of an error: a code that says what kind of failure it is. Only codes that are known for such are, since a
 * field that is called `code` may hold anything.
 */
export function codeOf(error: unknown, depth = 0): string {
  if (typeof error !== "object" || error === null) return "failed";
  try {
    const { code, name, message, cause, errors } = error as Record<string, unknown>;
    if (typeof code === "string" && isKnownCode(code)) return code;
    if (name === "TimeoutError" || name === "AbortError") return "timeout";
    const [word = ""] = typeof message === "string" ? message.split(" ", 1) : [];
    if (redisErrors.has(word)) return word;
    const deeper: unknown = cause ?? (Array.isArray(errors) ? errors[0] : undefined);
    return depth < 3 ? codeOf(deeper, depth + 1) : "failed";
  } catch {
    // An object that throws when it is read.
    return "failed";
  }
}

function isKnownCode(code: string): boolean {
  return systemErrors().has(code) || codeShapes.some((shape) => shape.test(code));
}

let names: ReadonlySet<string> | undefined;

function systemErrors(): ReadonlySet<string> {
  return (names ??= new Set(["ENOTFOUND", ...[...getSystemErrorMap().values()].map(([name]) => name)]));
}

const codeShapes: readonly RegExp[] = [
  // SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html
  /^(?=.*\d)[0-9A-Z]{5}$/,
  // Node.js, undici, MySQL.
  /^(?:ERR|UND_ERR|ER|PROTOCOL)_[A-Z_]{2,40}$/,
  // OpenSSL's verdicts on certificates.
  /^(?:CERT|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)_[A-Z_]{2,40}$/,
];

/** The first word of what Redis answers. */
const redisErrors: ReadonlySet<string> = new Set(
  "BUSY CLUSTERDOWN LOADING MASTERDOWN MISCONF NOAUTH NOPERM OOM READONLY WRONGPASS".split(" "),
);
