import type { Server } from "node:net";
import { constants } from "node:os";
import { diag } from "@opentelemetry/api";
import { runningSdk } from "../running-sdk.ts";
import { type DrainableServer, drainableServer } from "./drain-server.ts";
import { checkShutdownOptions } from "./shutdown-options.ts";
import { atOnce, inTurn, type Step, take, within } from "./steps.ts";

export interface ShutdownOptions {
  /** Servers of node:http, node:https or node:http2, also those that a framework made: `app.server` in Fastify, what `serve()` gives in Hono. */
  readonly servers: readonly Server[];
  /** Is told that the application drains, so that `/ready` answers 503: what `health()` gives. */
  readonly health?: { draining(): void };
  /** How long everything may take, in milliseconds, from the signal to the end. Default 9,000: a second less than `docker stop` gives. */
  readonly timeoutMillis?: number;
  /**
   * How long connections are still taken after `/ready` has begun to answer 503, in milliseconds. Default 0. Kubernetes goes on sending
   * for some seconds: 5,000 there.
   */
  readonly drainDelayMillis?: number;
  /** What takes work besides the servers, told to stop when they do: consumers of queues, WebSockets. All at once. */
  readonly stop?: readonly Step[];
  /** What to close when the last request has ended, in this order: consumers' connections, caches, pools. */
  readonly close?: readonly Step[];
  /** What the SDK itself works with and is to be closed after it: the pool that was given to the ledger's store. */
  readonly closeLast?: readonly Step[];
  /** What flushes at the end. Default: the SDK that runs in this process, if any. */
  readonly sdk?: { shutdown(): Promise<unknown> };
  /** Signals that begin it. Default SIGTERM and SIGINT; `[]` for none. */
  readonly signals?: readonly NodeJS.Signals[];
}

export interface OrderlyShutdown {
  /** Begins it, unless it has begun. Never rejects. The process goes on, unless a signal comes: then it ends when this is done. */
  shutdown(): Promise<ShutdownReport>;
  /** Takes the signal handlers off. */
  remove(): void;
}

export interface ShutdownReport {
  /** Nothing was cut off, nothing failed, all was in time. */
  readonly isComplete: boolean;
  /** Connections that were in use when their time was over: with a request that was not answered, or had not come in whole. */
  readonly connectionsCut: number;
  readonly durationMillis: number;
}

/**
 * Ends the process in order when a signal comes: `/ready` answers 503, connections are taken for `drainDelayMillis` more, requests in
 * progress end, then what the application closes, then the SDK sends and keeps what was recorded, and the process exits. What is
 * not done when its share of `timeoutMillis` is over is cut off and told.
 *
 * Exit code 0 when all was done, 1 when something was cut off or failed. A second signal ends the process at once, with 128 and the
 * signal's number (143 for SIGTERM), after the ledger has kept what it has in memory.
 *
 * @throws Error of one line when an option is wrong.
 */
export function orderlyShutdown(options: ShutdownOptions): OrderlyShutdown {
  checkShutdownOptions(options);
  const { signals = ["SIGTERM", "SIGINT"] } = options;
  const servers = options.servers.map(drainableServer);
  let running: Promise<ShutdownReport> | undefined;
  let hasSignal = false;

  function shutdown(): Promise<ShutdownReport> {
    running ??= endInOrder(servers, options).finally(remove);
    return running;
  }

  function onSignal(signal: NodeJS.Signals): void {
    if (hasSignal) process.exit(128 + constants.signals[signal]);
    hasSignal = true;
    void shutdown().then(({ isComplete }) => process.exit(isComplete ? 0 : 1));
  }

  function remove(): void {
    // Until the process has ended, a further signal is still to end it at once.
    if (!hasSignal) for (const signal of signals) process.removeListener(signal, onSignal);
  }

  for (const signal of signals) process.on(signal, onSignal);
  return { shutdown, remove };
}

async function endInOrder(servers: readonly DrainableServer[], options: ShutdownOptions): Promise<ShutdownReport> {
  const { health, timeoutMillis = 9000, drainDelayMillis = 0, stop = [], close = [], closeLast = [] } = options;
  const began = performance.now();
  const left = (): number => Math.max(0, began + timeoutMillis - performance.now());
  const failures: string[] = [];
  const failed = (what: string): void => {
    failures.push(what);
    try {
      diag.warn(`[meterbridge] [http] shutdown: ${what}`);
    } catch {
      // A logger that throws: the end goes on without it.
    }
  };

  await take("health.draining()", () => health?.draining(), left(), failed);
  for (const server of servers) server.turnAway();
  await within(drainDelayMillis, new Promise<never>(() => {}));

  // Of a short deadline half, so that the ledger and the exporters get theirs.
  const requestsMillis = left() - Math.min(afterRequestsMillis, left() / 2);
  const ended = [...servers.map((server) => server.stop()), atOnce("stop", stop, requestsMillis, failed)];
  const isInTime = await within(requestsMillis, Promise.all(ended));
  const connectionsCut = isInTime ? 0 : servers.reduce((sum, server) => sum + server.cut(), 0);
  if (connectionsCut > 0) failed(`${connectionsCut} connections were cut off after ${Math.round(requestsMillis)} ms`);

  const sdk = options.sdk ?? runningSdk();
  await inTurn("close", close, left() - (sdk === undefined ? 0 : Math.min(sdkMillis, left() / 2)), failed);
  if (sdk !== undefined) {
    const share = closeLast.length > 0 ? (left() * 2) / 3 : left();
    await take("the SDK's shutdown", () => sdk.shutdown(), share, failed);
  }
  await inTurn("closeLast", closeLast, left(), failed);
  const durationMillis = Math.round(performance.now() - began);
  return { isComplete: failures.length === 0, connectionsCut, durationMillis };
}

/** What exporters and the ledger need at most, unless the SDK was told otherwise. */
const sdkMillis = 3000;
/** What is kept of the deadline for all that comes after the requests. */
const afterRequestsMillis = 4000;
