import type { DiagLogger } from "@opentelemetry/api";
import { diag as globalDiag } from "../harmless-diag.ts";
import { createJob } from "./counter-sync-job.ts";
import { createCounterRefresh } from "./counter-sync-refresh.ts";
import { createTouched } from "./counter-sync-touched.ts";
import type { CounterOwner } from "./hot-counter-keys.ts";
import type { HotCounters } from "./hot-counters.ts";
import type { LedgerRow } from "../ledger-row.ts";
import type { LedgerStore } from "../ledger-store.ts";
import { describe, say } from "./redis-error.ts";
import { withDeadline } from "../with-deadline.ts";

export interface CounterSyncOptions {
  readonly store: Pick<LedgerStore, "totals" | "tenants" | "sums">;
  readonly counters: HotCounters;
  /** How long touches are gathered. Default 250. */
  readonly intervalMillis?: number;
  /** Between two rebuilds that nothing asked for. Default an hour; 0: none. */
  readonly rebuildIntervalMillis?: number;
  /** Default: OpenTelemetry's `diag`. */
  readonly diag?: Pick<DiagLogger, "warn">;
}

/**
 * Keeps the hot counters at what the store says. Rebuilds them in the background at start, when Redis was connected anew (what it
 * keeps may be old or gone), and every hour; no timer of it holds the process.
 */
export interface CounterSync {
  /** Rows have been written: their tenants' and employees' counters follow within the interval. Cheap, and never throws. */
  touched(rows: readonly Pick<LedgerRow, "tenant" | "employee">[]): void;
  /** Sets the counters of all tenants and employees. Rejects when it could not, and is then tried again in the background. */
  rebuild(): Promise<void>;
  /** Resolves when what was touched by now has been set, or could not be; it is then kept for the next try. */
  flush(): Promise<void>;
  /**
   * Flushes, within so many milliseconds (default 3000), and ends. Redis is asked even where it was down a moment ago, since
   * nobody comes again for what this process wrote last. What could not be set is told, and made up for by the rebuild with
   * which the next process begins. A rebuild under way is given up. Never rejects.
   */
  close(timeoutMillis?: number): Promise<void>;
}

export function createCounterSync(options: CounterSyncOptions): CounterSync {
  const { store, counters, intervalMillis = 250, rebuildIntervalMillis = 3_600_000, diag = globalDiag } = options;
  const { redis } = counters;
  const touched = createTouched();
  const refresh = createCounterRefresh(store, counters, (message) => diag.warn(say(redis.where, message)));
  let isTold = false;
  let isClosing = false;
  let isClosed = false;
  let isEndTold = false;
  /** How often there were too many touches to keep, and how many of these times a rebuild has made up for. */
  let overflows = 0;
  let overflowsMadeUpFor = 0;

  function ended(failures: number, error: unknown): void {
    if (failures === 0) {
      if (isTold) diag.warn(say(redis.where, "hot counters are kept up again"));
      isTold = false;
      return;
    }
    // That Redis is down has been told by the connection.
    if (isTold || redis.state === "down" || failures < failuresBeforeTold) return;
    isTold = true;
    diag.warn(say(redis.where, `hot counters are behind, and read from the store where missing: ${describe(error)}`));
  }

  // Before the store is asked for what could not be put anywhere.
  const beforeRetry = (): Promise<unknown> => redis.command("PING");
  // Apart, since a rebuild may take long and touches are not to wait for it.
  const rebuilds = createJob({ intervalMillis, beforeRetry, ended, work: rebuild });
  const touches = createJob({
    intervalMillis,
    beforeRetry,
    ended,
    async work() {
      const taken = touched.take();
      try {
        await refresh.some(taken);
      } catch (error) {
        if (!touched.putBack(taken)) overflow();
        throw error;
      }
    },
  });

  async function rebuild(): Promise<void> {
    const begun = overflows;
    await refresh.all(() => !isClosing);
    if (!isClosing) overflowsMadeUpFor = begun;
  }

  function overflow(): void {
    overflows += 1;
    rebuilds.soon();
  }

  function touch(owner: CounterOwner): void {
    if (!touched.add(owner)) overflow();
    touches.soon();
  }

  function tellEnd(): void {
    if (isEndTold) return;
    isEndTold = true;
    diag.warn(
      say(redis.where, "hot counters are behind at the end of this process: the next one to keep them sets them"),
    );
  }

  const endings = [
    redis.onReconnect(rebuilds.soon),
    redis.onStateChange((state) => {
      if (state !== "up") return;
      touches.hurry();
      rebuilds.hurry();
    }),
    counters.onMissing(touch),
  ];
  const hourly = rebuildIntervalMillis > 0 ? setInterval(rebuilds.soon, rebuildIntervalMillis).unref() : undefined;
  rebuilds.soon();

  // Its failure has been told, and what was touched is kept.
  const flush = (): Promise<void> => touches.now().catch(() => {});

  async function lastRounds(): Promise<void> {
    for (let tries = 0; tries < triesAtTheEnd; tries++) {
      // The first one also waits for the round that is under way, which has taken what it sets.
      await flush();
      if (touched.isEmpty || isClosed) return;
      // That it was down may be old news: while it is not asked, nothing tells that it is back.
      if (redis.state === "down" && !(await redis.isServing())) return;
    }
  }

  return {
    touched(rows) {
      if (isClosed) return tellEnd();
      for (const row of rows) touch(row);
    },
    rebuild: rebuilds.now,
    flush,
    async close(timeoutMillis = 3_000) {
      if (isClosing) return;
      isClosing = true;
      for (const end of endings) end();
      clearInterval(hourly);
      rebuilds.end();
      const isInTime = await withDeadline(lastRounds(), timeoutMillis, "setting the last counters").then(
        () => true,
        () => false,
      );
      isClosed = true;
      touches.end();
      if (!isInTime || !touched.isEmpty || overflows > overflowsMadeUpFor) tellEnd();
    },
  };
}

const failuresBeforeTold = 2;
/** A store that has just come back may be too slow once more. Whoever closes waits no longer than it wants to. */
const triesAtTheEnd = 3;
