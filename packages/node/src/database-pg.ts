import { errorMonitor, type EventEmitter } from "node:events";
import type { FinishOperation, StartOperation } from "./database-meters.ts";
import { ownApplicationName } from "./database-own-traffic.ts";
import { sqlOperation } from "./database-statement.ts";
import { wrapMethod } from "./database-wrap.ts";

type Callback = (this: unknown, error: unknown, ...rest: unknown[]) => unknown;

/** What `client.query()` is given: a text, a config, or a query that submits itself (`Query`, a cursor, a stream). */
interface QueryConfig {
  readonly text?: unknown;
  /** Of cursors. */
  readonly cursor?: { readonly text?: unknown };
  readonly submit?: unknown;
  callback?: unknown;
}

/**
 * Meters the client of pg by its `query()`, which `pool.query()` comes down to. What is returned, thrown and emitted stays as it
 * was, an unhandled rejection included.
 */
export function meterPg(exports: unknown, start: StartOperation): (() => void) | undefined {
  return wrapMethod(exports, "query", (query) => {
    return function (this: { connectionParameters?: { application_name?: unknown } }, ...given: unknown[]) {
      const own = this.connectionParameters?.application_name === ownApplicationName;
      const finish = own ? undefined : start("postgresql", sqlOperation(textOf(given[0])));
      if (finish === undefined) return query.apply(this, given);
      const end = once(finish);
      const isWatched = watchCallback(given, end) || watchQuery(given[0], end);
      try {
        const result = query.apply(this, given);
        return isWatched ? result : watchPromise(result, end);
      } catch (error) {
        end(error);
        throw error;
      }
    };
  });
}

function textOf(config: unknown): unknown {
  if (typeof config !== "object" || config === null) return config;
  const { text, cursor } = config as QueryConfig;
  return text ?? cursor?.text;
}

/** Puts itself between the callback that was given, if one was, and its call. */
function watchCallback(given: unknown[], end: FinishOperation): boolean {
  const index = given.findIndex((each, position) => position > 0 && typeof each === "function");
  if (index !== -1) {
    given[index] = watched(given[index] as Callback, end);
    return true;
  }
  const config = given[0] as QueryConfig | null | undefined;
  if (typeof config !== "object" || typeof config?.callback !== "function") return false;
  const callback = watched(config.callback as Callback, end);
  // A config may be used again; a query cannot be, and has to stay the object that it is.
  if (typeof config.submit === "function") config.callback = callback;
  else given[0] = Object.assign(Object.create(Object.getPrototypeOf(config) as object), config, { callback });
  return true;
}

function watched(callback: Callback, end: FinishOperation): Callback {
  return function (error, ...rest) {
    end(error);
    return callback.call(this, error, ...rest);
  };
}

/** A query without a callback tells its end by events. Whoever listens to `errorMonitor` does not count as handling the error. */
function watchQuery(config: unknown, end: FinishOperation): boolean {
  if (typeof (config as QueryConfig | null | undefined)?.submit !== "function") return false;
  const emitter = config as Partial<EventEmitter>;
  emitter.once?.("end", () => end(undefined));
  emitter.once?.("close", () => end(undefined));
  emitter.once?.(errorMonitor, end);
  // A cursor that nobody listens to tells its failure to who reads from it, and emits nothing.
  const query = config as { handleError?: unknown };
  const { handleError } = query;
  if (typeof handleError === "function") {
    query.handleError = function (error: unknown, ...rest: unknown[]): unknown {
      end(error);
      return handleError.call(this, error, ...rest) as unknown;
    };
  }
  return true;
}

function watchPromise(result: unknown, end: FinishOperation): unknown {
  const promise = result as {
    then?: (kept: (value: unknown) => unknown, thrown: (error: unknown) => never) => unknown;
  };
  if (typeof promise?.then !== "function") return result;
  return promise.then(
    (value) => {
      end(undefined);
      return value;
    },
    (error) => {
      end(error);
      throw error;
    },
  );
}

/** A cursor ends and closes, a query that timed out answers late. */
function once(finish: FinishOperation): FinishOperation {
  let ended = false;
  return (error) => {
    if (ended) return;
    ended = true;
    finish(error);
  };
}
