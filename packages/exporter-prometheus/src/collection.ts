import type { DiagLogger } from "@opentelemetry/api";
import type { MetricProducer, ResourceMetrics } from "@opentelemetry/sdk-metrics";
import { setImmediate as nextTurn } from "node:timers/promises";

export interface Collection {
  /**
   * The current metrics. Callers at the same time share one collection. Rejects with a `CollectionError` when collecting
   * fails or takes longer than the timeout; the next call then starts afresh.
   */
  collect(): Promise<ResourceMetrics>;
  /** What is wrong at present, in words that may be shown to anyone. */
  trouble(): string | undefined;
  /** Tells the log about trouble, once until it is over or another kind begins. */
  reportTrouble(summary: string, details: unknown): void;
}

/** Why there are no metrics, in words that may be shown to anyone: details can hold secrets and go to the log alone. */
export interface CollectionError extends Error {
  readonly name: "CollectionError";
  readonly status: 500 | 503;
}

/** Collects from a meter provider: shared, bounded in time, and with every new state of trouble told once. */
export function createCollection(producer: MetricProducer, timeoutMillis: number, diag: DiagLogger): Collection {
  let running: Promise<ResourceMetrics> | undefined;
  let trouble: string | undefined;

  const reportTrouble = (summary: string, details: unknown): void => {
    if (trouble === summary) return;
    trouble = summary;
    diag.error(`[meterbridge] [prometheus] ${summary}: ${oneLine(details)}`);
  };

  const collectOnce = async (): Promise<ResourceMetrics> => {
    const tooLate = `collecting the metrics took longer than ${timeoutMillis} ms`;
    // Collecting may hold the event loop. Every scrape that has arrived by now is read first and shares this collection.
    await nextTurn();
    try {
      const outcome = await withDeadline(collectFrom(producer), timeoutMillis);
      if (outcome === undefined) {
        reportTrouble(tooLate, "an observable callback may hang; the scrape was answered with 503");
        throw collectionError(tooLate, 503);
      }
      if (outcome.errors.length > 0) {
        reportTrouble("an observable callback failed, its metrics are missing or old", outcome.errors[0]);
      } else if (trouble !== undefined) {
        // Not as info: whoever was told of the trouble has to hear that it is over.
        diag.warn("[meterbridge] [prometheus] collecting the metrics works again");
        trouble = undefined;
      }
      return outcome.resourceMetrics;
    } catch (error) {
      if (isCollectionError(error)) throw error;
      const summary = "collecting the metrics failed";
      reportTrouble(summary, error);
      throw collectionError(summary, 500);
    }
  };

  return {
    collect() {
      running ??= collectOnce().finally(() => (running = undefined));
      return running;
    },
    trouble: () => trouble,
    reportTrouble,
  };
}

export function collectionError(message: string, status: 500 | 503): CollectionError {
  return Object.assign(new Error(message), { name: "CollectionError", status } as const);
}

export function isCollectionError(error: unknown): error is CollectionError {
  return error instanceof Error && error.name === "CollectionError";
}

async function collectFrom(producer: MetricProducer): Promise<Awaited<ReturnType<MetricProducer["collect"]>>> {
  const result = await producer.collect();
  const { resource } = result.resourceMetrics;
  if (resource.asyncAttributesPending) await resource.waitForAsyncAttributes?.();
  return result;
}

/** The promise's value, or undefined when it takes longer. What comes later is dropped. */
export async function withDeadline<Value>(promise: Promise<Value>, millis: number): Promise<Value | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), millis);
    timer.unref();
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

function oneLine(details: unknown): string {
  const text = details instanceof Error ? details.message : String(details);
  return text.replace(/\s+/g, " ").slice(0, 1024);
}
