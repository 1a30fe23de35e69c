import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { openLedger } from "@meterbridge/ledger";
import { createEventSource } from "./ledger-events.ts";
import { median } from "./report.ts";

export interface WriteInput {
  /** Where the ledger goes; undefined for the same program without one. */
  readonly directory: string | undefined;
  readonly eventsPerSecond: number;
  readonly seconds: number;
}

export interface WriteOutput {
  /** Of one write() call, over all bursts. */
  readonly nanoseconds: number;
  /** What the application's thread spends on an event in all, in CPU time: the making of it, the writing, and what follows. */
  readonly threadMicroseconds: number;
  readonly longestDelayMillis: number;
  /** Longest stretch of work between two turns of a timer of 1 ms, in CPU time of the thread: what other processes do is not in it. */
  readonly longestWorkMillis: number;
  readonly events: number;
  /** What the ledger has written in the end. */
  readonly written: number;
}

/** An application of so many events per second, a few in each turn of its event loop, beside a ledger in SQLite. */
export async function writeAsApplication(input: WriteInput): Promise<WriteOutput> {
  const { directory, eventsPerSecond, seconds } = input;
  const next = createEventSource(1);
  const ledger = directory === undefined ? undefined : openLedger({ store: "sqlite", directory });
  const write = ledger === undefined ? () => {} : ledger.write;
  let events = 0;

  async function run(millis: number): Promise<number[]> {
    const perWrite: number[] = [];
    const start = performance.now();
    for (let sent = 0, elapsed = 0; elapsed < millis; elapsed = performance.now() - start) {
      const due = Math.floor((elapsed * eventsPerSecond) / 1000) - sent;
      const burst = Array.from({ length: due }, () => next(Date.now()));
      const before = process.hrtime.bigint();
      for (const event of burst) write(event);
      const nanoseconds = Number(process.hrtime.bigint() - before);
      if (due > 0) perWrite.push(nanoseconds / due);
      sent += due;
      events += due;
      await sleep(4);
    }
    return perWrite;
  }

  // The compiler, the store and its thread are warm after a second.
  await run(Math.min(1, seconds) * 1000);
  globalThis.gc?.();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const eventsBefore = events;
  const cpuBefore = threadCpu();
  let longestWork = 0;
  let lastTurn = cpuBefore;
  const turns = setInterval(() => {
    const now = threadCpu();
    longestWork = Math.max(longestWork, now - lastTurn);
    lastTurn = now;
  }, 1);
  delay.enable();
  const perWrite = await run(seconds * 1000);
  delay.disable();
  clearInterval(turns);
  const threadMicroseconds = (threadCpu() - cpuBefore) / (events - eventsBefore);
  await ledger?.flush(30_000);
  const written = ledger?.status()?.written ?? 0;
  await ledger?.close(10_000);
  return {
    nanoseconds: median(perWrite),
    threadMicroseconds,
    longestDelayMillis: delay.max / 1e6,
    longestWorkMillis: longestWork / 1000,
    events,
    written,
  };
}

/** Microseconds of this thread alone; NaN before Node.js 23.9, which cannot tell. */
function threadCpu(): number {
  if (typeof process.threadCpuUsage !== "function") return Number.NaN;
  const { user, system } = process.threadCpuUsage();
  return user + system;
}
