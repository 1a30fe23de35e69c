import type { IMetricReader } from "@opentelemetry/sdk-metrics";

export interface BoundedReaderOptions {
  /** The most that `shutdown()` and `forceFlush()` take. */
  readonly timeoutMillis: number;
  /** Called once, when shutdown has ended or its time is over: drops whatever is still open. */
  readonly close: () => Promise<void>;
}

/**
 * A reader whose `shutdown()` and `forceFlush()` end in time and never reject, whatever the backend does, and whose
 * `shutdown()` may be called again. While they wait they hold the process, no longer.
 */
export function boundReader(reader: IMetricReader, { timeoutMillis, close }: BoundedReaderOptions): IMetricReader {
  let ended: Promise<void> | undefined;
  const limit = (asked?: number): number => Math.min(asked ?? timeoutMillis, timeoutMillis);
  return {
    setMetricProducer: (producer) => reader.setMetricProducer(producer),
    selectAggregation: (instrument) => reader.selectAggregation(instrument),
    selectAggregationTemporality: (instrument) => reader.selectAggregationTemporality(instrument),
    selectCardinalityLimit: (instrument) => reader.selectCardinalityLimit(instrument),
    collect: (options) => reader.collect(options),
    async forceFlush(options) {
      if (ended === undefined) await within(limit(options?.timeoutMillis), reader.forceFlush());
    },
    shutdown(options) {
      ended ??= within(limit(options?.timeoutMillis), reader.shutdown()).then(close);
      return ended;
    },
  };
}

/** Resolves when the work has settled or the time is over, whichever is first. */
function within(milliseconds: number, work: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    // Not unref'd: sockets are, so this timer is what keeps the process until the last export is out.
    const timer = setTimeout(resolve, milliseconds);
    const finish = (): void => {
      clearTimeout(timer);
      resolve();
    };
    work.then(finish, finish);
  });
}
