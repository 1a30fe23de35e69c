import type { Attribution } from "@meterbridge/core";
import * as v from "valibot";
import { aFunction, checkOptions, milliseconds } from "../check-options.ts";

/** Options of the middlewares. None has an environment variable. */
export interface RequestsOptions<Asked> {
  /**
   * On whose behalf a request is: from the claims of a token, a session, a header. All below the middleware is recorded and logged on
   * that behalf. Asked once for each request. When it throws, or is late, the request goes on without: told once on `diag`, counted in
   * `meterbridge.http.attribution.failures`.
   */
  attribution?(asked: Asked): Attribution | undefined | Promise<Attribution | undefined>;
  /**
   * How long a request waits for `attribution`.
   * @default 1000
   */
  readonly attributionTimeoutMillis?: number;
  /**
   * Takes a line when a request has started (debug), is completed (info), has failed (error; a status from 500 on, or what was thrown)
   * or was given up by its client (info): the method, the route's template, the status and `duration_ms`; never a path, a query, a
   * header or a body. One of `createLogger()`, or any of pino's.
   * @default none: no lines
   */
  readonly logger?: RequestLogger;
  /**
   * Paths of which no line is written, with all below them: `["/health", "/metrics"]`. They are metered.
   * @default []
   */
  readonly skip?: readonly string[];
}

/** As much of a pino logger as lines of requests need. */
export interface RequestLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  error(fields: object, message: string): void;
  isLevelEnabled?(level: string): boolean;
}

/** The options with their defaults. */
export interface SettledOptions<Asked> {
  readonly attribution: ((asked: Asked) => unknown) | undefined;
  readonly attributionTimeoutMillis: number;
  readonly logger: RequestLogger | undefined;
  readonly skip: readonly string[];
}

/** @throws Error of one line, naming the option, what it must be, and what was found. */
export function settleRequestsOptions<Asked>(options: RequestsOptions<Asked>): SettledOptions<Asked> {
  const { attribution, logger, ...rest } = checkOptions("requests()", schema, options);
  return { ...rest, attribution: attribution?.bind(options), logger };
}

const paths = "must be a list of paths, each beginning with a slash";

const schema = v.strictObject({
  attribution: v.optional(aFunction<(asked: unknown) => unknown>()),
  attributionTimeoutMillis: v.optional(milliseconds(1), 1000),
  logger: v.optional(
    v.custom<RequestLogger>(isLogger, "must have the functions debug, info and error, as pino's loggers have"),
  ),
  skip: v.optional(v.array(v.pipe(v.string(paths), v.startsWith("/", paths)), paths), []),
});

function isLogger(value: unknown): boolean {
  const { debug, info, error } = Object(value) as Record<string, unknown>;
  return [debug, info, error].every((each) => typeof each === "function");
}
