import { context, type Context } from "@opentelemetry/api";
import type { CoreState } from "./core-state.ts";
import { errorTypeOf } from "./error-type.ts";
import { guarded } from "./guard.ts";
import type { RunStatus } from "./vocabulary.ts";

/** Something in progress. The first ending counts, later ones do nothing. */
export interface Run {
  /** It did what it was to do. */
  complete(): void;
  /** It failed. The error gives the `error.type`; its message is not read. */
  fail(error?: unknown): void;
  /** It was given up. */
  cancel(): void;
}

/** How a run ended. */
export interface Ending {
  readonly status: RunStatus;
  readonly seconds: number;
  readonly errorType: string | undefined;
}

/**
 * Starts the clock, and calls `ended` once, in the context the run began in: its end may be told from a callback that belongs to
 * another request, and must not be put on that one's tenant.
 */
export function startRun(
  state: CoreState,
  name: string,
  ended: (ending: Ending) => void,
  begunIn: Context = context.active(),
): Run {
  const begun = performance.now();
  let running = true;

  const end = guarded(state, name, undefined, (status: RunStatus, error?: unknown): undefined => {
    if (!running) return;
    running = false;
    const seconds = Math.max(0, performance.now() - begun) / 1000;
    const errorType = status === "failed" ? errorTypeOf(error) : undefined;
    context.with(begunIn, ended, undefined, { status, seconds, errorType });
  });

  return { complete: () => end("completed"), fail: (error) => end("failed", error), cancel: () => end("cancelled") };
}

/** Runs `work`, ends the run by how that went, and hands on its result or what it threw. */
export async function measureRun<Started extends Run, Result>(
  run: Started,
  work: (run: Started) => Result,
): Promise<Awaited<Result>> {
  try {
    const result = await work(run);
    run.complete();
    return result;
  } catch (error) {
    if (isAbort(error)) run.cancel();
    else run.fail(error);
    throw error;
  }
}

/** The caller gave up, which is no failure of the work. */
export function isAbort(error: unknown): boolean {
  try {
    const { name, constructor } = error as { name?: unknown; constructor?: { name?: unknown } };
    // OpenAI's client gives its errors no name of their own.
    return aborts.has(name) || aborts.has(constructor?.name);
  } catch {
    return false;
  }
}

const aborts: ReadonlySet<unknown> = new Set(["AbortError", "APIUserAbortError"]);

/** Stands in where a run could not be started. */
export const noRun: Run = { complete() {}, fail() {}, cancel() {} };
