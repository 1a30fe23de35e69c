import { Worker } from "node:worker_threads";
import { ledgerError } from "../ledger-error.ts";
import type { AppendResult } from "../ledger-store.ts";
import { answerPlaces, answerStates, type SqliteCalls, type SqliteReply, type SqliteRequest } from "./sqlite-calls.ts";
import { storeError } from "./sqlite-error.ts";
import type { SqliteSettings } from "./sqlite-options.ts";

/** The application's side of the worker thread. */
export interface SqliteThread {
  /** Asks it, starting it where it does not run. Holds the process open until the answer. */
  ask<Method extends keyof SqliteCalls>(
    method: Method,
    argument: Parameters<SqliteCalls[Method]>[0],
  ): Promise<Awaited<ReturnType<SqliteCalls[Method]>>>;
  /** Asks it and stands still until the answer; undefined when the time runs out or it failed. */
  appendAndWait(batch: string, timeoutMillis: number): AppendResult | undefined;
  /** Has it finish what is under way and ends it. */
  close(): Promise<void>;
}

/** The thread starts with the first question, and again with the next one after it died. */
export function createSqliteThread(settings: SqliteSettings): SqliteThread {
  interface Pending {
    resolve(value: unknown): void;
    reject(error: unknown): void;
  }
  const pending = new Map<number, Pending>();
  let worker: Worker | undefined;
  let lastId = 0;
  let closing: Promise<void> | undefined;

  function running(): Worker {
    if (closing !== undefined) throw ended("the store was closed", "make a new one");
    if (worker !== undefined) return worker;
    const started = startWorker(settings);
    let fault: unknown;
    started.on("message", ({ id, value, failure }: SqliteReply) => {
      const waiting = pending.get(id);
      forget(id);
      if (failure === undefined) waiting?.resolve(value);
      else waiting?.reject(ledgerError(failure.reason, failure.message));
    });
    // Without a listener it would end the application.
    started.on("error", (error) => (fault = error));
    started.on("exit", () => {
      worker = undefined;
      const detail = fault instanceof Error ? ` (${fault.message})` : "";
      const error = ended(
        `the store's worker thread ended${detail}`,
        "the next call starts another one; where the application is bundled, leave @meterbridge/ledger out of the bundle",
        fault,
      );
      for (const [id, waiting] of pending) {
        pending.delete(id);
        waiting.reject(error);
      }
    });
    // An idle store does not hold the process open.
    started.unref();
    worker = started;
    return started;
  }

  function ended(happened: string, advice: string, cause?: unknown): Error {
    return storeError("unavailable", settings.file, happened, advice, cause);
  }

  function forget(id: number): void {
    pending.delete(id);
    if (pending.size === 0 && closing === undefined) worker?.unref();
  }

  function post(request: SqliteRequest): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const target = running();
      send(target, request);
      target.ref();
      pending.set(request.id, { resolve, reject });
    });
  }

  return {
    ask: <Method extends keyof SqliteCalls>(method: Method, argument: Parameters<SqliteCalls[Method]>[0]) =>
      post({ id: ++lastId, method, argument }) as Promise<Awaited<ReturnType<SqliteCalls[Method]>>>,
    appendAndWait(batch, timeoutMillis) {
      const answer = new Int32Array(new SharedArrayBuffer(16));
      try {
        send(running(), { id: ++lastId, method: "append", argument: batch, answer });
      } catch {
        return undefined;
      }
      Atomics.wait(answer, answerPlaces.state, answerStates.pending, timeoutMillis);
      if (Atomics.load(answer, answerPlaces.state) !== answerStates.durable) return undefined;
      const [, written = 0, duplicates = 0, expired = 0] = answer;
      return { written, duplicates, expired };
    },
    close() {
      if (closing !== undefined) return closing;
      if (worker === undefined) return (closing = Promise.resolve());
      const exit = new Promise<void>((resolve) => void worker?.once("exit", () => resolve()));
      // A thread that dies meanwhile has ended too.
      const asked = post({ id: ++lastId, method: "close", argument: undefined }).catch(() => {});
      return (closing = asked.then(() => exit));
    },
  };
}

function send(worker: Worker, request: SqliteRequest): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- to a thread, not to a window
  worker.postMessage(request);
}

function startWorker(settings: SqliteSettings): Worker {
  // Source or built, it has the extension of this file.
  // A build lays its files side by side.
  const file = new URL(import.meta.url.endsWith(".ts") ? "../sqlite-worker.ts" : "./sqlite-worker.js", import.meta.url);
  return new Worker(file, {
    name: "meterbridge-ledger",
    workerData: settings,
    // Nothing of what the application preloads: it is not wanted twice, and could start this store again.
    execArgv: warningFlags(),
    env: { NODE_NO_WARNINGS: process.env["NODE_NO_WARNINGS"] },
  });
}

/** Whoever silenced warnings of Node.js has silenced them here too. */
function warningFlags(): string[] {
  const flags = [...process.execArgv, ...(process.env["NODE_OPTIONS"] ?? "").split(/\s+/)];
  return flags.filter((flag) => /^--(?:no-warnings$|disable-warning=)/.test(flag));
}
