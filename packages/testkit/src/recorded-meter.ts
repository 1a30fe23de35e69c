import type {
  Attributes,
  BatchObservableCallback,
  Meter,
  MetricOptions,
  Observable,
  ObservableCallback,
} from "@opentelemetry/api";

/** One meter as it was recorded. */
export interface TestMeter {
  readonly name: string;
  readonly kind: TestMeterKind;
  readonly unit: string;
  readonly description: string;
  readonly series: readonly TestSeries[];
}

export type TestMeterKind = "counter" | "upDownCounter" | "gauge" | "histogram";

/** One series of a meter. */
export interface TestSeries {
  readonly attributes: Attributes;
  /** The sum; of a gauge what was recorded last; of a histogram the sum of its values. */
  readonly value: number;
  /** Everything that was recorded, in order. Of an observable instrument what the callbacks said last. */
  readonly values: readonly number[];
}

/** Keeps what meters record, and asks the observable ones. */
export interface Recordings {
  readonly meter: Meter;
  /** Synchronous: a callback that answers later is not waited for. Throws what a callback throws. */
  collect(): readonly TestMeter[];
  /** Forgets what was recorded. Callbacks stay. */
  clear(): void;
}

export function createRecordings(): Recordings {
  const kept = new Map<string, Kept>();
  const batches: { readonly callback: BatchObservableCallback; readonly observables: readonly Observable[] }[] = [];

  function keep(name: string, kind: TestMeterKind, { unit = "", description = "" }: MetricOptions = {}): Kept {
    const key = `${name} ${kind}`;
    let found = kept.get(key);
    if (found === undefined) {
      found = { name, kind, unit, description, series: new Map(), callbacks: new Set() };
      kept.set(key, found);
    }
    return found;
  }

  const adding = (kind: "counter" | "upDownCounter") => (name: string, options?: MetricOptions) => {
    const meter = keep(name, kind, options);
    return { add: (value: number, attributes?: Attributes) => record(meter, value, attributes) };
  };
  const recording = (kind: "gauge" | "histogram") => (name: string, options?: MetricOptions) => {
    const meter = keep(name, kind, options);
    return { record: (value: number, attributes?: Attributes) => record(meter, value, attributes) };
  };
  const observing = (kind: TestMeterKind) => (name: string, options?: MetricOptions) => {
    const { callbacks } = keep(name, kind, options);
    const observable: KeptObservable = {
      key: `${name} ${kind}`,
      addCallback: (callback) => void callbacks.add(callback),
      removeCallback: (callback) => void callbacks.delete(callback),
    };
    return observable;
  };

  function askBatches(): void {
    for (const { callback, observables } of batches) {
      for (const each of observables) keptOf(each)?.series.clear();
      void callback({
        observe(observable, value, attributes) {
          const meter = keptOf(observable);
          if (meter !== undefined) observe(meter, value, attributes);
        },
      });
    }
  }

  function keptOf(observable: Observable): Kept | undefined {
    return "key" in observable && typeof observable.key === "string" ? kept.get(observable.key) : undefined;
  }

  return {
    meter: {
      createCounter: adding("counter"),
      createUpDownCounter: adding("upDownCounter"),
      createGauge: recording("gauge"),
      createHistogram: recording("histogram"),
      createObservableCounter: observing("counter"),
      createObservableUpDownCounter: observing("upDownCounter"),
      createObservableGauge: observing("gauge"),
      addBatchObservableCallback: (callback, observables) => void batches.push({ callback, observables }),
      removeBatchObservableCallback(callback) {
        const index = batches.findIndex((batch) => batch.callback === callback);
        if (index >= 0) batches.splice(index, 1);
      },
    },
    collect() {
      for (const meter of kept.values()) {
        if (meter.callbacks.size > 0) meter.series.clear();
        for (const callback of meter.callbacks) {
          void callback({ observe: (value, attributes) => observe(meter, value, attributes) });
        }
      }
      askBatches();
      return [...kept.values()]
        .map(asRead)
        .filter(({ series }) => series.length > 0)
        .toSorted(byName);
    },
    clear() {
      for (const { series } of kept.values()) series.clear();
    },
  };
}

interface Kept {
  readonly name: string;
  readonly kind: TestMeterKind;
  readonly unit: string;
  readonly description: string;
  readonly series: Map<string, { readonly attributes: Attributes; values: number[] }>;
  readonly callbacks: Set<ObservableCallback>;
}

interface KeptObservable extends Observable {
  readonly key: string;
}

/** As meter providers do: what is not finite, and what would take from a counter, is left out. */
function record(meter: Kept, value: number, attributes: Attributes = {}): void {
  if (!Number.isFinite(value)) return;
  if (value < 0 && (meter.kind === "counter" || meter.kind === "histogram")) return;
  const { key, sorted } = sortedAttributes(attributes);
  const series = meter.series.get(key);
  if (series === undefined) meter.series.set(key, { attributes: sorted, values: [value] });
  else series.values.push(value);
}

/** What is observed twice of one series was said last. */
function observe(meter: Kept, value: number, attributes: Attributes = {}): void {
  meter.series.delete(sortedAttributes(attributes).key);
  record(meter, value, attributes);
}

function asRead({ name, kind, unit, description, series }: Kept): TestMeter {
  const read = [...series]
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([, { attributes, values }]) => ({
      attributes,
      value: kind === "gauge" ? values.at(-1)! : values.reduce((sum, value) => sum + value, 0),
      values: [...values],
    }));
  return { name, kind, unit, description, series: read };
}

/** The order of attributes makes no difference, and one that is undefined is none. */
export function sortedAttributes(attributes: Attributes): { readonly key: string; readonly sorted: Attributes } {
  const pairs = Object.entries(attributes)
    .filter(([, value]) => value !== undefined && value !== null)
    .toSorted(([left], [right]) => (left < right ? -1 : 1));
  return { key: JSON.stringify(pairs), sorted: Object.fromEntries(pairs) };
}

function byName(left: TestMeter, right: TestMeter): number {
  return left.name < right.name ? -1 : 1;
}
