import { type Attributes, type MeterProvider, metrics } from "@opentelemetry/api";
import { createRecordings, sortedAttributes, type TestMeter } from "./recorded-meter.ts";
import { type MeterTextOptions, meterText } from "./meter-text.ts";

/** What meters recorded, for tests: at once, exactly, and without an SDK. */
export interface TestMeters {
  /** For code that takes a provider. It is the process's already, unless it was made with `register: false`. */
  readonly provider: MeterProvider;
  /** Everything recorded so far, sorted. Observable meters are asked now; one that answers later is not waited for. */
  collect(): readonly TestMeter[];
  /**
   * All series of a meter that have these attributes (and may have more) together; default all: the sum of a counter, an up-down counter or a
   * histogram, the value of a gauge. Undefined when there are none.
   *
   * @throws Error for a gauge with several such series, whose sum would mean nothing.
   */
  value(name: string, attributes?: Attributes): number | undefined;
  /** How many values were recorded into these series, for example requests into a histogram of durations; 0 when there are none. */
  count(name: string, attributes?: Attributes): number;
  /** What was recorded, as sorted text in the manner of Prometheus, for snapshots. */
  text(options?: MeterTextOptions): string;
  /** Forgets what was recorded so far. */
  clear(): void;
  /** Gives the process back the meter provider that it had. May be called twice. */
  restore(): void;
  /** `using meters = createTestMeters()` restores at the end of the block. */
  [Symbol.dispose](): void;
}

export interface TestMetersOptions {
  /** Whether it becomes the process's meter provider until `restore()`. Default true. */
  readonly register?: boolean;
}

/**
 * An isolated meter provider for tests. It takes the place of the process's, so that everything which records through the OpenTelemetry API
 * records here, and keeps every value, so that a test can ask at any moment.
 */
export function createTestMeters({ register = true }: TestMetersOptions = {}): TestMeters {
  const recordings = createRecordings();
  const provider: MeterProvider = { getMeter: () => recordings.meter };
  let restore = register ? replaceGlobal(provider) : () => {};

  const matching = (name: string, attributes: Attributes = {}) =>
    recordings
      .collect()
      .filter((meter) => meter.name === name)
      .flatMap(({ kind, series }) =>
        series.flatMap((each) => (includes(each.attributes, attributes) ? [{ kind, ...each }] : [])),
      );

  return {
    provider,
    collect: () => recordings.collect(),
    value(name, attributes) {
      const series = matching(name, attributes);
      if (series.length > 1 && series.some(({ kind }) => kind === "gauge")) {
        throw new Error(
          `[meterbridge] [testkit] the gauge ${name} has ${series.length} series with ${JSON.stringify(attributes ?? {})}: name more attributes`,
        );
      }
      return series.length === 0 ? undefined : series.reduce((sum, { value }) => sum + value, 0);
    },
    count: (name, attributes) => matching(name, attributes).reduce((sum, { values }) => sum + values.length, 0),
    text: (options) => meterText(recordings.collect(), options),
    clear: () => recordings.clear(),
    restore() {
      restore();
      restore = () => {};
    },
    [Symbol.dispose]() {
      this.restore();
    },
  };
}

/** The API refuses a second provider and gives none back, so that what is registered is read where the API keeps it. */
function replaceGlobal(provider: MeterProvider): () => void {
  const registry = (globalThis as { [key: symbol]: { metrics?: MeterProvider } | undefined })[apiRegistry];
  const before = registry?.metrics;
  metrics.disable();
  metrics.setGlobalMeterProvider(provider);
  return () => {
    metrics.disable();
    if (before !== undefined) metrics.setGlobalMeterProvider(before);
  };
}

const apiRegistry: symbol = Symbol.for("opentelemetry.js.api.1");

function includes(all: Attributes, some: Attributes): boolean {
  const { sorted } = sortedAttributes(some);
  return Object.entries(sorted).every(([key, value]) => JSON.stringify(all[key]) === JSON.stringify(value));
}
