import type { RequestLogger } from "./requests-options.ts";

/** How a request ended, for its line. */
export interface EndedRequest {
  readonly method: string;
  /** The route's template. */
  readonly route: string | undefined;
  /** Undefined when no answer was begun. */
  readonly status: number | undefined;
  readonly milliseconds: number;
  /** What was thrown or handed to the framework's handling of errors. */
  readonly error: unknown;
  /** Whether the client went away before it had the whole answer. */
  readonly isAborted: boolean;
}

export function logStart(logger: RequestLogger, method: string): void {
  attempt(() => {
    if (logger.isLevelEnabled?.("debug") !== false) logger.debug({ method }, "request started");
  });
}

export function logEnd(
  logger: RequestLogger,
  { method, route, status, milliseconds, error, isAborted }: EndedRequest,
): void {
  attempt(() => {
    const fields: Record<string, unknown> = { method };
    if (route !== undefined) fields["route"] = route;
    if (status !== undefined) fields["status"] = status;
    // Microseconds.
    fields["duration_ms"] = Math.round(milliseconds * 1000) / 1000;
    // An error that was answered by a status below 500 is the client's.
    const isAnswered = !isAborted && status !== undefined && status < 500;
    if (isAborted && error === undefined) logger.info(fields, "request aborted");
    else if (isAnswered) logger.info(fields, "request completed");
    else logger.error(error === undefined ? fields : { ...fields, ...thrown(error) }, "request failed");
  });
}

/** By the name that pino gives errors; a logger of `createLogger()` writes it as `exception`. */
function thrown(error: unknown): object {
  return error instanceof Error ? { err: error } : { exception: { type: typeof error, message: String(error) } };
}

/** A logger that is not ours may throw; the request is not to notice. */
function attempt(log: () => void): void {
  try {
    log();
  } catch {
    // There is nowhere to log it.
  }
}
