import type { IMetricReader } from "@opentelemetry/sdk-metrics";

export interface DeadlineReaderOptions {
  /** The most that `shutdown()` and `forceFlush()` take. */
  readonly timeoutMillis: number;
  /** Called once, when shutdown begins, with the time that it has. */
  readonly onShutdown: (timeoutMillis: number) => void;
  /** Called when a flush could not wait any longer. */
  readonly onLateFlush: (waitedMillis: number) => void;
  /** Called once, when shutdown has ended or its time is over: drops whatever is still open. */
  readonly close: () => Promise<void>;
}

/**
 * A reader whose `shutdown()` and `forceFlush()` end in time and never reject, whatever the backend does, and whose
 * `shutdown()` may be called again. While they wait they hold the process, no longer.
 */
export function deadlineReader(reader: IMetricReader, options: DeadlineReaderOptions): IMetricReader {
  const { timeoutMillis, onShutdown, onLateFlush, close } = options;
  let ended: Promise<void> | undefined;
  const limit = (asked?: number): number => Math.min(asked ?? timeoutMillis, timeoutMillis);
  return {
    setMetricProducer: (producer) => reader.setMetricProducer(producer),
    selectAggregation: (instrument) => reader.selectAggregation(instrument),
    selectAggregationTemporality: (instrument) => reader.selectAggregationTemporality(instrument),
    selectCardinalityLimit: (instrument) => reader.selectCardinalityLimit(instrument),
    collect: (collectionOptions) => reader.collect(collectionOptions),
    async forceFlush(flushOptions) {
      if (ended !== undefined) return;
      const milliseconds = limit(flushOptions?.timeoutMillis);
      if (!(await within(milliseconds, reader.forceFlush()))) onLateFlush(milliseconds);
    },
    shutdown(shutdownOptions) {
      if (ended === undefined) {
        const milliseconds = limit(shutdownOptions?.timeoutMillis);
        onShutdown(milliseconds);
        ended = within(milliseconds, reader.shutdown()).then(close);
      }
      return ended;
    },
  };
}

/** Whether the work has settled before the time was over; resolves at the first of both. */
function within(milliseconds: number, work: Promise<void>): Promise<boolean> {
  return new Promise((resolve) => {
    // Not unref'd: sockets are, so this timer is what keeps the process until the last export is out.
    const timer = setTimeout(() => resolve(false), milliseconds);
    const finish = (): void => {
      clearTimeout(timer);
      resolve(true);
    };
    work.then(finish, finish);
  });
}
