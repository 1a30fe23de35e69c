import type { MeterProvider } from "@opentelemetry/api";
import type { Exporter } from "@meterbridge/exporter";
import type { LedgerReading } from "./ledger.ts";
import type { MeterReading } from "./meter-readings.ts";

/** What `start()` has started. */
export interface Sdk {
  /** What was started, in one line: service, exporters, traces; or why it is off. */
  readonly status: string;
  /** The exporters that are running. Empty when another meter provider is recorded into. */
  readonly exporters: readonly Exporter[];
  /** The meter provider that everything is recorded into. */
  readonly meterProvider: MeterProvider;
  /**
   * What every meter holds now, summed up since the process began: for dashboards of one's own and the usage API of
   * `@meterbridge/http`. Rejects where another meter provider is recorded into, and where none is.
   */
  collect(): Promise<readonly MeterReading[]>;
  /**
   * `usageQueries()` of `@meterbridge/ledger` over the ledger's store, loaded when it is first asked for; undefined where no ledger
   * is kept. Rejects where that package cannot be loaded.
   */
  usageQueries(): Promise<object> | undefined;
  /** Whether the ledger's store takes what is written; undefined where no ledger is kept. */
  ledgerStatus(): LedgerReading | undefined;
  /**
   * Sends what was recorded so far. Resolves when all exporters are done, and at the latest after
   * `shutdownTimeoutMillis`. Never rejects: an exporter that fails or is too late is told on diag.
   */
  forceFlush(): Promise<void>;
  /**
   * Sends what was recorded, ends all exporters and takes everything out of the OpenTelemetry API, after which `start()`
   * may be called again. Resolves as `forceFlush()` does; calling twice gives the same promise.
   */
  shutdown(): Promise<void>;
}

/** The one SDK of this process, also when the package is installed twice. */
export function runningSdk(): Sdk | undefined {
  return holder[KEY];
}

/** Sets or, with undefined, clears {@link runningSdk}. */
export function setRunningSdk(sdk: Sdk | undefined): void {
  holder[KEY] = sdk;
}

const KEY: unique symbol = Symbol.for("meterbridge.sdk");
const holder = globalThis as { [KEY]?: Sdk | undefined };
