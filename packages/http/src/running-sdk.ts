import type { UsageQueries } from "@meterbridge/ledger";

/**
 * What the SDK that runs in this process offers to be read over HTTP: the part of `start()`'s result from `@meterbridge/node` that
 * is read here. It is found on a global symbol, so that nothing has to be passed by hand, nor loaded by who does not read.
 */
export interface RunningSdk {
  /** What was started, in one line. */
  readonly status: string;
  readonly exporters: readonly RunningExporter[];
  /** Every meter's present sums, since the process began. Rejects when they cannot be collected. */
  collect(): Promise<readonly MeterReading[]>;
  /** The ledger's queries, or undefined where none is kept. */
  usageQueries(): Promise<UsageQueries> | undefined;
  /** Whether the ledger takes what is written, or undefined where none is kept. */
  ledgerStatus(): LedgerReading | undefined;
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

export interface RunningExporter {
  readonly name: string;
  readonly target?: string;
  /** Whether what it tried last did not work. */
  isFailing?(): boolean;
  /** The Prometheus exporter's door for servers of the application's own. */
  fetchHandler?(): (request: Request) => Promise<Response>;
}

/** The ledger's state, without texts of errors. `idle`: nothing was written yet, so that nothing was opened. */
export interface LedgerReading {
  readonly state: "idle" | "opening" | "ready" | "down" | "closed";
  /** Events that are in memory or in the spool, and not yet in the store. */
  readonly waiting: number;
}

/** One meter under the name it is registered with. */
export interface MeterReading {
  readonly name: string;
  readonly unit: string;
  readonly description: string;
  readonly kind: "counter" | "upDownCounter" | "gauge" | "histogram";
  readonly points: readonly MeterPoint[];
}

export interface MeterPoint {
  readonly attributes: Readonly<Record<string, unknown>>;
  /** The value; of a histogram, the sum of what was recorded. */
  readonly value: number;
  /** Of a histogram: how many values were recorded, and how many of them up to each boundary (one more for those above all). */
  readonly count?: number;
  readonly boundaries?: readonly number[];
  readonly counts?: readonly number[];
}

/** The one SDK of this process, if `start()` was called or preloaded. */
export function runningSdk(): RunningSdk | undefined {
  return (globalThis as { [KEY]?: RunningSdk | undefined })[KEY];
}

const KEY: unique symbol = Symbol.for("meterbridge.sdk");
