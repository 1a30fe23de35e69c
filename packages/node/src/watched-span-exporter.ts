import { type DiagLogger } from "@opentelemetry/api";
import { type ExportResult, ExportResultCode } from "@opentelemetry/core";
import type { SpanExporter } from "@opentelemetry/sdk-trace";

/** What OpenTelemetry's exporters of spans and of log records have in common. */
export interface BatchExporter<Item> {
  export(items: Item[], done: (result: ExportResult) => void): void;
  forceFlush?(): Promise<void>;
  shutdown(): Promise<void>;
}

/** What {@link watchedExporter} needs beside the exporter. */
export interface WatchOptions {
  readonly logger: DiagLogger;
  /** An export that has not answered by then is given up. */
  readonly timeoutMillis: number;
  /** Ends what the exporter has under way, so that a server that never finishes its answer cannot hold the process. */
  abandon(): void;
}

/** The same for spans. */
export function watchedSpanExporter(exporter: SpanExporter, options: WatchOptions): SpanExporter {
  return watchedExporter(exporter, { ...options, signal: "traces", items: "spans" });
}

/**
 * Wraps an exporter so that each change between working and failing is told once, with how much was lost, where the
 * batch processor would print a stack for every batch; and so that each export is answered in time.
 */
export function watchedExporter<Item>(
  exporter: BatchExporter<Item>,
  { logger, timeoutMillis, abandon, signal, items }: WatchOptions & { readonly signal: string; readonly items: string },
): Required<BatchExporter<Item>> {
  let lost = 0;

  function settle(count: number, result: ExportResult): void {
    if (result.code === ExportResultCode.SUCCESS) {
      if (lost > 0) logger.warn(`[${signal}] ${items} are exported again; ${lost} were lost`);
      lost = 0;
      return;
    }
    if (lost === 0) logger.warn(`[${signal}] ${items} cannot be exported and are lost: ${reasonOf(result.error)}`);
    lost += count;
  }

  return {
    export(batch, done) {
      let answered = false;
      const answer = (result: ExportResult): void => {
        if (answered) return;
        answered = true;
        clearTimeout(timer);
        settle(batch.length, result);
        done({ code: ExportResultCode.SUCCESS });
      };
      const timer = setTimeout(() => {
        abandon();
        answer({ code: ExportResultCode.FAILED, error: new Error(`no answer within ${timeoutMillis} ms`) });
      }, timeoutMillis);
      exporter.export(batch, answer);
    },
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown(),
  };
}

/** A refused connection to a name with two addresses is an AggregateError without a message. */
function reasonOf(error: Error | undefined): string {
  if (error instanceof AggregateError && error.message === "") {
    return error.errors.map((each: unknown) => (each instanceof Error ? each.message : String(each))).join(", ");
  }
  return error?.message || error?.name || "no reason given";
}
