import { type DiagLogger } from "@opentelemetry/api";
import { type ExportResult, ExportResultCode } from "@opentelemetry/core";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace";

/** What {@link watchedSpanExporter} needs beside the exporter. */
export interface WatchOptions {
  readonly logger: DiagLogger;
  /** An export that has not answered by then is given up. */
  readonly timeoutMillis: number;
  /** Ends what the exporter has under way, so that a server that never finishes its answer cannot hold the process. */
  abandon(): void;
}

/**
 * Wraps an exporter so that each change between working and failing is told once, with how much was lost, where the
 * batch processor would print a stack for every batch; and so that each export is answered in time.
 */
export function watchedSpanExporter(exporter: SpanExporter, options: WatchOptions): SpanExporter {
  const { logger, timeoutMillis, abandon } = options;
  let lost = 0;

  function settle(spans: number, result: ExportResult): void {
    if (result.code === ExportResultCode.SUCCESS) {
      if (lost > 0) logger.warn(`[traces] spans are exported again; ${lost} were lost`);
      lost = 0;
      return;
    }
    if (lost === 0) logger.warn(`[traces] spans cannot be exported and are lost: ${reasonOf(result.error)}`);
    lost += spans;
  }

  return {
    export(spans: ReadableSpan[], done) {
      let answered = false;
      const answer = (result: ExportResult): void => {
        if (answered) return;
        answered = true;
        clearTimeout(timer);
        settle(spans.length, result);
        done({ code: ExportResultCode.SUCCESS });
      };
      const timer = setTimeout(() => {
        abandon();
        answer({ code: ExportResultCode.FAILED, error: new Error(`no answer within ${timeoutMillis} ms`) });
      }, timeoutMillis);
      exporter.export(spans, answer);
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
