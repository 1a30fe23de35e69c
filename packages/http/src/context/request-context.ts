import { AsyncLocalStorage } from "node:async_hooks";
import type { Attribution } from "@meterbridge/core";

/** The request that is being answered. */
export interface RequestContext {
  /** The client's `X-Request-ID` where it is sane, else one that was made. */
  readonly requestId: string;
  /** What the application's callback said, for lines that are written where no OpenTelemetry context is carried. */
  attribution?: Attribution;
}

/** The request in whose context this runs: everything below a middleware, through `await`, streams and timers. */
export function currentRequest(): RequestContext | undefined {
  return storage.getStore();
}

/** The id of the request in whose context this runs, as its answer carries it in `X-Request-ID`; undefined outside of requests. */
export function currentRequestId(): string | undefined {
  return storage.getStore()?.requestId;
}

/** Runs `work` as part of the request. */
export function runInRequest<Result>(request: RequestContext, work: () => Result): Result {
  return storage.run(request, work);
}

const KEY: unique symbol = Symbol.for("meterbridge.http.request");
const holder = globalThis as { [KEY]?: AsyncLocalStorage<RequestContext> };
// One per process, also when the package is installed twice: a logger of one finds the request of the other.
const storage = (holder[KEY] ??= new AsyncLocalStorage<RequestContext>());
