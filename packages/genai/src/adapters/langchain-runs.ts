import { context, type Context } from "@opentelemetry/api";
import type { Run } from "@meterbridge/core";

/** Something that LangChain has told the start of. */
export interface OpenRun {
  readonly begun: number;
  /** The context it was started in: its end may be told in another. */
  readonly within: Context;
}

/** A run of which a workflow's or an agent's recorder keeps the time. */
export interface NamedRun extends OpenRun {
  readonly run: Run;
}

/**
 * Runs by LangChain's id. A run is told of once for each handler in its way, and counts once. A stream that is broken off never ends: so that those do
 * not fill the memory, the oldest make room.
 */
export function createRuns<Entry extends OpenRun>(
  dropped: (run: Entry) => void = () => {},
): {
  start(runId: string, begin: (base: OpenRun) => Entry): void;
  get(runId: string): Entry | undefined;
  end(runId: string): Entry | undefined;
} {
  const open = new Map<string, Entry>();
  function dropOldest(): void {
    for (const [runId, run] of open) {
      open.delete(runId);
      return dropped(run);
    }
  }

  return {
    start(runId, begin) {
      if (open.has(runId)) return;
      if (open.size >= most) dropOldest();
      open.set(runId, begin({ begun: performance.now(), within: context.active() }));
    },
    get: (runId) => open.get(runId),
    end(runId) {
      const run = open.get(runId);
      open.delete(runId);
      return run;
    },
  };
}

const most = 2000;

/** Seconds since it began. */
export function secondsSince({ begun }: OpenRun): number {
  return (performance.now() - begun) / 1000;
}
