/**
 * The worker thread of `sqliteStore`, which starts this file. An entry of the package only so that it lies beside the others
 * when they are built: nothing for applications to import.
 *
 * @module
 */
import { parentPort, workerData } from "node:worker_threads";
import type { AppendResult } from "./ledger-store.ts";
import { ledgerErrorReason } from "./ledger-error.ts";
import {
  answerPlaces,
  answerStates,
  type SqliteCalls,
  type SqliteReply,
  type SqliteRequest,
} from "./sqlite/sqlite-calls.ts";
import type { SqliteSettings } from "./sqlite/sqlite-options.ts";
import { createSession } from "./sqlite/sqlite-session.ts";

if (parentPort !== null) serve(parentPort, createSession(workerData as SqliteSettings));

function serve(port: NonNullable<typeof parentPort>, session: SqliteCalls): void {
  const underWay = new Set<Promise<unknown>>();

  async function finish(): Promise<void> {
    while (underWay.size > 0) await Promise.allSettled(underWay);
    await session.close();
  }

  // The call begins before this returns, so that appends are done in the order in which they were asked for.
  async function take({ id, method, argument }: SqliteRequest): Promise<void> {
    try {
      const call = session[method] as (argument: unknown) => unknown;
      const value = method === "close" ? await finish() : await keep(call(argument));
      port.postMessage({ id, value } satisfies SqliteReply);
    } catch (error) {
      const reason = ledgerErrorReason(error) ?? "refused";
      const message = error instanceof Error ? error.message : String(error);
      port.postMessage({ id, failure: { reason, message } } satisfies SqliteReply);
    }
    if (method === "close") port.close();
  }

  async function keep(value: unknown): Promise<unknown> {
    if (!(value instanceof Promise)) return value;
    underWay.add(value);
    try {
      return await value;
    } finally {
      underWay.delete(value);
    }
  }

  port.on("message", (request: SqliteRequest) => {
    if (request.answer === undefined) void take(request);
    else answerAtOnce(session, request as SqliteRequest<"append">, request.answer);
  });
}

/** Of a thread that stands still until then. */
function answerAtOnce(session: SqliteCalls, { argument }: SqliteRequest<"append">, answer: Int32Array): void {
  let state: number = answerStates.failed;
  try {
    const result: AppendResult = session.append(argument);
    for (const name of ["written", "duplicates", "expired"] as const) {
      Atomics.store(answer, answerPlaces[name], result[name]);
    }
    state = answerStates.durable;
  } catch {
    // It asks whether the rows are durable, and they are not.
  }
  Atomics.store(answer, answerPlaces.state, state);
  Atomics.notify(answer, answerPlaces.state);
}
