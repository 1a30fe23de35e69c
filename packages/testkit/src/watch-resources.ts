import { createHook, executionAsyncId } from "node:async_hooks";

/** What some work opened: sockets, servers, timers, files. */
export interface WatchedResources {
  /** Runs work. What it opens is watched, now and in whatever follows from it. */
  run<Result>(work: () => Result): Result;
  /** The types of all that was opened so far, for example `"TCPWRAP"` or `"Timeout"`. */
  opened(): readonly string[];
  /** The types of what is still open and keeps the process alive. */
  holding(): readonly string[];
  /** Watches no longer. */
  stop(): void;
}

/**
 * Follows the work alone: what the test runner and the backend, in the same process, open meanwhile has no part in it, so that the answer
 * does not depend on the moment.
 */
export function watchResources(): WatchedResources {
  const own = new Set<number>();
  const open = new Map<number, { readonly type: string; readonly resource: object }>();
  const opened: string[] = [];
  let isInside = false;
  const hook = createHook({
    init(id, type, _trigger, resource: object) {
      if (!isInside && !own.has(executionAsyncId())) return;
      own.add(id);
      if (justCode.has(type)) return;
      opened.push(type);
      open.set(id, { type, resource });
    },
    destroy: (id) => void open.delete(id),
  }).enable();
  return {
    run(work) {
      isInside = true;
      try {
        return work();
      } finally {
        isInside = false;
      }
    },
    opened: () => [...opened],
    holding: () => [...open.values()].flatMap(({ type, resource }) => (holds(resource) ? [type] : [])),
    stop: () => void hook.disable(),
  };
}

/** Steps of code, which open nothing. */
const justCode: ReadonlySet<string> = new Set(["PROMISE", "TickObject", "Microtask"]);

function holds(resource: object): boolean {
  return "hasRef" in resource && typeof resource.hasRef === "function" && resource.hasRef() === true;
}
