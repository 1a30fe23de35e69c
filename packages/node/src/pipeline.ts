import type { DiagLogger } from "@opentelemetry/api";

/** One way on which telemetry leaves the process: an exporter's reader, or the spans. */
export interface Pipeline {
  readonly name: string;
  forceFlush(timeoutMillis: number): Promise<void>;
  shutdown(timeoutMillis: number): Promise<void>;
}

/**
 * Flushes or shuts down all pipelines at once. Resolves when the last is done, and at the latest after `timeoutMillis`,
 * whatever they do. Never rejects: who failed or was too late is told.
 */
async function runAll(
  action: "forceFlush" | "shutdown",
  pipelines: readonly Pipeline[],
  timeoutMillis: number,
  logger: DiagLogger,
): Promise<void> {
  const pending = new Set(pipelines);
  const all = pipelines.map(async (pipeline) => {
    try {
      await pipeline[action](timeoutMillis);
    } catch (error) {
      if (pending.has(pipeline)) logger.warn(`[${pipeline.name}] the last export failed: ${reason(error)}`);
    } finally {
      pending.delete(pipeline);
    }
  });
  let timer: NodeJS.Timeout | undefined;
  // Not unref'ed: it holds a process that has nothing else to do until the flush is over, and no longer.
  const deadline = new Promise<void>((resolve) => (timer = setTimeout(resolve, timeoutMillis)));
  await Promise.race([Promise.all(all), deadline]);
  clearTimeout(timer);
  for (const { name } of pending) {
    logger.warn(`[${name}] the last export was not finished after ${timeoutMillis} ms: given up`);
  }
  pending.clear();
}

/**
 * Runs groups of pipelines one after the other, within one deadline: the ledger before the meters, which count what it kept. A
 * group that hangs leaves the later ones half of the time that was left to it.
 */
export async function inTurn(
  action: "forceFlush" | "shutdown",
  groups: readonly (readonly Pipeline[])[],
  timeoutMillis: number,
  logger: DiagLogger,
): Promise<void> {
  const deadline = performance.now() + timeoutMillis;
  for (const [index, group] of groups.entries()) {
    if (group.length === 0) continue;
    const left = Math.max(1, deadline - performance.now());
    const isLast = groups.slice(index + 1).every((later) => later.length === 0);
    await runAll(action, group, Math.ceil(isLast ? left : left / 2), logger);
  }
}

/** What went wrong, out of the shapes that OpenTelemetry rejects with: errors, and lists of them. */
function reason(error: unknown): string {
  if (Array.isArray(error)) return error.map(reason).join("; ");
  return error instanceof Error ? error.message : String(error);
}
