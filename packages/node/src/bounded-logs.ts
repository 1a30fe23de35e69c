import type { DiagLogger } from "@opentelemetry/api";
import type { LogRecordProcessor, ReadableLogRecord } from "@opentelemetry/sdk-logs";
import type { BatchExporter } from "./watched-span-exporter.ts";

/**
 * Counts what the batch processor would drop without a word: records that come faster than they can be sent. Each change between
 * keeping up and losing is told once, with how many were lost.
 * `mostWaiting` wait to be sent at a time; the default is OpenTelemetry's own.
 */
export function boundedLogs(
  exporter: Required<BatchExporter<ReadableLogRecord>>,
  logger: DiagLogger,
  createProcessor: (exporter: Required<BatchExporter<ReadableLogRecord>>, mostWaiting: number) => LogRecordProcessor,
  mostWaiting = 2048,
): LogRecordProcessor {
  let waiting = 0;
  let lost = 0;

  function sent(count: number): void {
    waiting -= count;
    if (lost === 0) return;
    logger.warn(`[logs] log records are taken again; ${lost} were lost`);
    lost = 0;
  }

  const processor = createProcessor(
    {
      ...exporter,
      export(records, done) {
        sent(records.length);
        exporter.export(records, done);
      },
    },
    mostWaiting,
  );
  return {
    onEmit(record, context) {
      if (waiting >= mostWaiting) {
        if (lost++ === 0) logger.warn(`[logs] ${mostWaiting} log records wait to be sent, and more are lost`);
        return;
      }
      waiting++;
      processor.onEmit(record, context);
    },
    forceFlush: () => processor.forceFlush(),
    shutdown: () => processor.shutdown(),
  };
}
