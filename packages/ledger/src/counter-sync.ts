import { type DiagLogger, diag as globalDiag } from "@opentelemetry/api";
import { createTouched } from "./counter-sync-touched.ts";
import { createCounterRefresh } from "./counter-sync-refresh.ts";
import type { HotCounters } from "./hot-counters.ts";
import type { LedgerRow } from "./ledger-row.ts";
import type { LedgerStore } from "./ledger-store.ts";
import { describe, say } from "./redis-error.ts";

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
  /** Flushes once, and ends. */
  close(): Promise<void>;
}

export function createCounterSync(options: CounterSyncOptions): CounterSync {
  const { store, counters, intervalMillis = 250, rebuildIntervalMillis = 3_600_000, diag = globalDiag } = options;
  const { redis } = counters;
  const touched = createTouched();
  const refresh = createCounterRefresh(store, counters, (message) => diag.warn(say(redis.where, message)));
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running: Promise<void> | undefined;
  let failures = 0;
  let isTold = false;
  let isClosed = false;

  function schedule(milliseconds: number): void {
    if (isClosed || timer !== undefined) return;
    timer = setTimeout(() => {
      timer = undefined;
      void run();
    }, milliseconds);
    timer.unref();
  }

  function runSoon(): void {
    clearTimeout(timer);
    timer = undefined;
    schedule(intervalMillis);
  }

  function run(): Promise<void> {
    running ??= work().finally(() => {
      running = undefined;
      if (touched.isEmpty) return;
      schedule(Math.min(intervalMillis * 2 ** failures, longestPauseMillis));
    });
    return running;
  }

  async function work(): Promise<void> {
    if (touched.isEmpty) return;
    const taken = touched.take();
    try {
      // Before the store is asked for what could not be put anywhere.
      if (failures > 0) await redis.command("PING");
      await (taken.everything ? refresh.all() : refresh.some(taken.owners));
      succeeded();
    } catch (error) {
      touched.putBack(taken);
      failed(error);
    }
  }

  function succeeded(): void {
    failures = 0;
    if (isTold) diag.warn(say(redis.where, "hot counters are kept up again"));
    isTold = false;
  }

  function failed(error: unknown): void {
    failures += 1;
    // That Redis is down has been told by the connection.
    if (isTold || redis.state === "down" || failures < failuresBeforeTold) return;
    isTold = true;
    diag.warn(say(redis.where, `hot counters are behind, and read from the store where missing: ${describe(error)}`));
  }

  function rebuildSoon(): void {
    touched.everything();
    schedule(intervalMillis);
  }

  const endings = [
    redis.onReconnect(rebuildSoon),
    redis.onStateChange((state) => {
      if (state === "up" && !touched.isEmpty) runSoon();
    }),
    counters.onMissing((owner) => {
      touched.add(owner);
      schedule(intervalMillis);
    }),
  ];
  const hourly = rebuildIntervalMillis > 0 ? setInterval(rebuildSoon, rebuildIntervalMillis).unref() : undefined;
  rebuildSoon();

  async function flush(): Promise<void> {
    // What was touched while a run was under way is not in it.
    await running;
    clearTimeout(timer);
    timer = undefined;
    await run();
  }

  return {
    touched(rows) {
      if (isClosed) return;
      for (const row of rows) touched.add(row);
      if (!touched.isEmpty) schedule(intervalMillis);
    },
    async rebuild() {
      try {
        await refresh.all();
      } catch (error) {
        rebuildSoon();
        throw error;
      }
    },
    flush,
    async close() {
      if (isClosed) return;
      isClosed = true;
      for (const end of endings) end();
      clearInterval(hourly);
      // Nothing to be gained by waiting for what is known to be down.
      if (redis.state !== "down") await flush();
      clearTimeout(timer);
    },
  };
}

const longestPauseMillis = 30_000;
const failuresBeforeTold = 2;
