import { createNoopMeter, diag, type Meter, type MeterOptions } from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import type { IMetricReader, MetricProducer, ViewOptions } from "@opentelemetry/sdk-metrics";
import { createRequire } from "node:module";
import type { BindableMeter } from "./bindable.ts";
import { exemplarFilters, type ExemplarFilter } from "./exemplars.ts";
import { createMeter, type RunningMeter } from "./meter.ts";
import type { ObservationRun } from "./observable-callbacks.ts";
import { createRefusals } from "./refusals.ts";
import type { RegisteredReader } from "./registered-reader.ts";
import { createView } from "./views.ts";

/** What a {@link MeterProvider} is made of: the official provider's options, and our own. */
export interface MeterProviderOptions {
  /** Goes with all metrics. Default: what the official SDK takes, `service.name` and the SDK's own attributes. */
  readonly resource?: Resource;
  /** Change what becomes of instruments: name, description, attributes, aggregation, limit of series. Default none. */
  readonly views?: readonly ViewOptions[];
  /** What takes the metrics: any standard readers. How many they are costs a recording nothing. Default none. */
  readonly readers?: readonly IMetricReader[];
  /**
   * The most that a collection waits for a callback of an observable instrument, in milliseconds; a reader may say less. One that
   * takes longer is left out until it ends. Default 2000.
   */
  readonly callbackTimeoutMillis?: number;
  /**
   * After how long without a recording a cumulative series makes room for a new one, in milliseconds, once the limit of series
   * is reached and every reader was given it. Up-down counters never do. `Infinity`: never, new ones go to the overflow.
   * Default 300,000.
   */
  readonly staleAfterMillis?: number;
  /**
   * Which measurements are kept as exemplars, and handed to readers in `exemplars` of data points: none; all; or those made in a sampled span, for
   * which each recording looks at the active context. Environment, where `@meterbridge/node` starts it: `OTEL_METRICS_EXEMPLAR_FILTER`.
   * Default "always_off": recording then costs nothing more.
   */
  readonly exemplarFilter?: ExemplarFilter;
}

/** As for the official provider. */
export interface TimeoutOptions {
  readonly timeoutMillis?: number;
}

/**
 * A meter provider for the OpenTelemetry API, in the place of the official SDK's: same options, same readers, same metrics.
 *
 * @throws Error for an option that is wrong, for a view that selects nothing, and what a reader throws that belongs to another provider.
 */
export class MeterProvider {
  readonly #provider: RunningProvider;

  constructor(options: MeterProviderOptions = {}) {
    this.#provider = createProvider(options);
    // Core lets series that became idle make room for others where the provider forgets them, too.
    const forgets = (options.staleAfterMillis ?? defaultStaleAfterMillis) < Infinity;
    Object.defineProperty(this, Symbol.for("meterbridge.forgets"), { value: forgets });
  }

  /** The meter of an instrumentation scope; the same for the same name, version and schema URL. */
  getMeter(name: string, version?: string, options?: MeterOptions): BindableMeter {
    return this.#provider.getMeter(name, version, options);
  }

  /** Has every reader flush. Rejects with the first failure, after all have ended. */
  forceFlush(options?: TimeoutOptions): Promise<void> {
    return this.#provider.forceFlush(options);
  }

  /** Shuts every reader down. Rejects with the first failure, after all have ended. Meters made later record nothing. */
  shutdown(options?: TimeoutOptions): Promise<void> {
    return this.#provider.shutdown(options);
  }
}

const defaultStaleAfterMillis = 300_000;
const defaultCallbackTimeoutMillis = 2000;
/** A timer that is to take longer takes none at all. */
const longestTimer = 2 ** 31 - 1;

interface RunningProvider {
  getMeter(name: string, version?: string, options?: MeterOptions): BindableMeter;
  forceFlush(options?: TimeoutOptions): Promise<void>;
  shutdown(options?: TimeoutOptions): Promise<void>;
}

function createProvider(options: MeterProviderOptions): RunningProvider {
  const resource = options.resource ?? defaultResource();
  const callbackTimeoutMillis = milliseconds(options, "callbackTimeoutMillis", defaultCallbackTimeoutMillis);
  const staleAfterMillis = milliseconds(options, "staleAfterMillis", defaultStaleAfterMillis);
  const exemplarFilter = options.exemplarFilter ?? "always_off";
  if (!exemplarFilters.includes(exemplarFilter)) {
    throw new Error(
      `[meterbridge] [sdk-metrics] option "exemplarFilter" must be ${exemplarFilters.join(", ")}, found ${exemplarFilter as string}`,
    );
  }
  const views = (options.views ?? []).map(createView);
  const readers: RegisteredReader[] = (options.readers ?? []).map((reader) => ({ reader }));
  const meters = new Map<string, RunningMeter>();
  let isShutdown = false;
  let isShutdownTold = false;

  const refuse = createRefusals(() =>
    meterOf("@meterbridge/sdk-metrics", "").createCounter("meterbridge.values.refused", {
      unit: "{value}",
      description: "Values and attributes that could not be recorded as given",
    }),
  );

  function meterOf(name: string, version: string, schemaUrl?: string): BindableMeter {
    const key = JSON.stringify([name, version, schemaUrl]);
    let running = meters.get(key);
    if (running === undefined) {
      const scope = { name, version, ...(schemaUrl === undefined ? {} : { schemaUrl }) };
      running = createMeter({ scope, views, readers, staleAfterMillis, exemplarFilter, refuse });
      meters.set(key, running);
    }
    return running.meter;
  }

  /** Meters are asked for as often as anything is recorded anew: each by itself would fill the log. */
  function warnShutdownOnce(): void {
    if (isShutdownTold) return;
    isShutdownTold = true;
    diag.warn("[meterbridge] [sdk-metrics] the meter provider is shut down: what its meters are given is not recorded");
  }

  function producerFor(reader: RegisteredReader): MetricProducer {
    let observed: Promise<unknown> = Promise.resolve();
    return {
      async collect(collectOptions) {
        const timeoutMillis = Math.min(collectOptions?.timeoutMillis ?? Infinity, callbackTimeoutMillis, longestTimer);
        const run: ObservationRun = { reader, timeoutMillis, observations: new Map(), errors: [] };
        // One run after the other: of two at once, the older observations could come last, and be taken for a reset.
        observed = observed.then(() => Promise.all([...meters.values()].map((each) => each.observe(run))));
        await observed;
        // Not the collection's begin: a later state never has the earlier time.
        const now = Date.now();
        const scopeMetrics = [...meters.values()].flatMap((each) => each.collect(run, now) ?? []);
        return { resourceMetrics: { resource, scopeMetrics }, errors: run.errors };
      },
    };
  }

  for (const registered of readers) registered.reader.setMetricProducer(producerFor(registered));

  async function all(work: (reader: IMetricReader) => Promise<void>): Promise<void> {
    const results = await Promise.allSettled(readers.map(({ reader }) => work(reader)));
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }

  return {
    getMeter(name, version = "", meterOptions = {}) {
      if (isShutdown) {
        warnShutdownOnce();
        return createNoopBindableMeter();
      }
      if (typeof name === "string" && name !== "") return meterOf(name, version, meterOptions.schemaUrl);
      diag.warn("[meterbridge] [sdk-metrics] a meter without a name was asked for: its scope is the empty text");
      return meterOf("", version, meterOptions.schemaUrl);
    },
    async forceFlush(flushOptions) {
      if (isShutdown)
        diag.warn("[meterbridge] [sdk-metrics] forceFlush() came after shutdown(): nothing is left to flush");
      else await all((reader) => reader.forceFlush(flushOptions));
    },
    async shutdown(shutdownOptions) {
      if (isShutdown) {
        diag.warn("[meterbridge] [sdk-metrics] shutdown() was called before: once is enough");
        return;
      }
      isShutdown = true;
      await all((reader) => reader.shutdown(shutdownOptions));
    },
  };
}

function milliseconds(
  options: MeterProviderOptions,
  name: "callbackTimeoutMillis" | "staleAfterMillis",
  otherwise: number,
): number {
  const value: unknown = options[name] ?? otherwise;
  if (typeof value === "number" && value > 0) return value;
  throw new Error(
    `[meterbridge] [sdk-metrics] option "${name}" must be a number of milliseconds above 0, or Infinity, found ${String(value)}`,
  );
}

/** Loaded when it is needed: who gives a resource, as start() does, need not wait for the module. */
function defaultResource(): Resource {
  const resources = createRequire(import.meta.url)(
    "@opentelemetry/resources",
  ) as typeof import("@opentelemetry/resources");
  return resources.defaultResource();
}

/** The API's meter that records nothing, with instruments that can be bound all the same. */
function createNoopBindableMeter(): BindableMeter {
  const nothing = (): void => {};
  const meter: Meter = createNoopMeter();
  const counter = (): ReturnType<BindableMeter["createCounter"]> => ({
    add: nothing,
    bind: () => ({ add: nothing, end: nothing }),
  });
  const recorder = (): ReturnType<BindableMeter["createHistogram"]> => ({
    record: nothing,
    bind: () => ({ record: nothing, end: nothing }),
  });
  return Object.assign(Object.create(meter) as Meter, {
    createCounter: counter,
    createUpDownCounter: counter,
    createHistogram: recorder,
    createGauge: recorder,
    combine: () => nothing,
  });
}
