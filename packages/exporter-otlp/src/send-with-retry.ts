import { setTimeout as sleep } from "node:timers/promises";
import type { HttpAnswer } from "./http-transport.ts";

/** How an export ended. */
export type Outcome = { readonly delivered: true; readonly body: Buffer } | Trouble;

export interface Trouble {
  readonly delivered: false;
  /** The same for the same trouble, for example `"503"` or `"ECONNREFUSED"`. */
  readonly kind: string;
  readonly reason: string;
  /** Whether the backend may have taken it all the same: the line broke, or nobody answered, after it had been sent. */
  readonly mayHaveArrived: boolean;
  /** How long the backend asked to be left alone. */
  readonly retryAfterMillis?: number;
}

export interface SendOptions {
  /** Ends the attempts; its reason is an `Error`. */
  readonly signal: AbortSignal;
  /** When the signal will be aborted at the latest, in `performance.now()` time: no wait goes beyond it. */
  readonly deadline: number;
  /** Called when an attempt has failed that will be followed by another. */
  readonly onRetry: (trouble: Trouble) => void;
}

/**
 * Posts until it is delivered, refused for good, or out of time. Never rejects.
 *
 * Retried are 429, 502, 503 and 504 and broken connections (OTLP specification, "Retryable Response Codes" and "All Other
 * Responses"), after `Retry-After` or else 1 s, growing by half to 5 s, a fifth more or less.
 */
export async function sendWithRetry(
  post: (signal: AbortSignal) => Promise<HttpAnswer>,
  options: SendOptions,
): Promise<Outcome> {
  const { signal, deadline, onRetry } = options;
  let backoff = firstBackoff;
  let mayHaveArrived = false;
  for (;;) {
    const attempt = await tryOnce(post, signal);
    if (!attempt.outcome.delivered && mayHaveArrived) attempt.outcome = { ...attempt.outcome, mayHaveArrived };
    mayHaveArrived ||= !attempt.outcome.delivered && attempt.outcome.mayHaveArrived;
    if (attempt.outcome.delivered || !attempt.retryable || signal.aborted) return attempt.outcome;
    const wait = attempt.retryAfter ?? jitter(backoff);
    backoff = Math.min(backoff * 1.5, longestBackoff);
    if (performance.now() + wait >= deadline) return attempt.outcome;
    onRetry(attempt.outcome);
    try {
      await sleep(wait, undefined, { signal, ref: false });
    } catch {
      return attempt.outcome;
    }
  }
}

/** Milliseconds to wait by a `Retry-After` header of seconds or a date; undefined when it says nothing usable. */
export function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const seconds = Number(header);
  const wait = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - now;
  return wait > 0 ? wait : undefined;
}

interface Attempt {
  outcome: Outcome;
  readonly retryable: boolean;
  readonly retryAfter?: number | undefined;
}

const firstBackoff = 1000;
const longestBackoff = 5000;
const retryableStatuses = new Set([429, 502, 503, 504]);
const retryableErrors = new Set([
  "ECONNRESET",
  "ECONNREFUSED",
  "EPIPE",
  "ETIMEDOUT",
  "EAI_AGAIN",
  "ENOTFOUND",
  "ENETUNREACH",
  "EHOSTUNREACH",
]);

/** Errors of a connection that did not come about. All others may come after the request is out. */
const neverSent =
  /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH|ERR_TLS_.*|.*CERT.*|.*SIGNATURE.*|UNABLE_TO_.*)$/;
/** A proxy answers so when it has lost the one behind it. */
const proxyStatuses = new Set([502, 504]);

async function tryOnce(post: (signal: AbortSignal) => Promise<HttpAnswer>, signal: AbortSignal): Promise<Attempt> {
  try {
    return judge(await post(signal));
  } catch (error) {
    const kind = errorCode(error) ?? "error";
    // A name with several addresses fails with an AggregateError, whose message is empty.
    const reason = (error instanceof Error && error.message) || kind;
    return {
      outcome: { delivered: false, kind, reason, mayHaveArrived: !neverSent.test(kind) },
      retryable: retryableErrors.has(kind),
    };
  }
}

function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

function judge({ status, statusText, retryAfter, body }: HttpAnswer): Attempt {
  if (status >= 200 && status <= 299) return { outcome: { delivered: true, body }, retryable: false };
  const wait = parseRetryAfter(retryAfter, Date.now());
  const asked = wait === undefined ? "" : `, and asked to wait ${Math.ceil(wait / 1000)} s`;
  // The protobuf form of an error message is readable too, once its few control characters are out.
  const text = body
    .toString("latin1")
    .replaceAll(/[^\x20-\x7e]+/g, " ")
    .trim();
  const said = text === "" ? "" : `: ${text}`;
  return {
    outcome: {
      delivered: false,
      kind: String(status),
      reason: `it answered ${status} ${statusText}${asked}${said}`,
      mayHaveArrived: proxyStatuses.has(status),
      ...(wait !== undefined && { retryAfterMillis: wait }),
    },
    retryable: retryableStatuses.has(status),
    retryAfter: wait,
  };
}

function jitter(milliseconds: number): number {
  return milliseconds * (0.8 + 0.4 * Math.random());
}
