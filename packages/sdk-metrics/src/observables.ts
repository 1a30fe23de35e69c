import type { Attributes, Observable } from "@opentelemetry/api";
import type { Measurable } from "./measurement.ts";
import type { ObservableCallbacks } from "./observable-callbacks.ts";
import type { Observation, ObservedSeries } from "./observed-series.ts";
import type { RegisteredReader } from "./registered-reader.ts";

/** An observable instrument, and what the collection needs of it. */
export interface ObservableInstrument extends Observable {
  readonly name: string;
  /** Its streams, as the reader is shown them. */
  seriesOf(reader: RegisteredReader): readonly ObservedSeries[];
  /** The observation to be kept; undefined for a value that cannot be, or when the reader is not shown it. */
  observe(reader: RegisteredReader, value: number, attributes: object | undefined): Observation | undefined;
}

export interface ObservableOptions {
  readonly name: string;
  readonly callbacks: ObservableCallbacks;
  readonly measurable: Measurable;
  readonly seriesOf: ObservableInstrument["seriesOf"];
}

export function createObservable({ name, callbacks, measurable, seriesOf }: ObservableOptions): ObservableInstrument {
  const { lowest, highest, refuse, whole } = measurable;
  const instrument: ObservableInstrument = {
    name,
    addCallback: (callback) => callbacks.add(callback, instrument),
    removeCallback: (callback) => callbacks.remove(callback, instrument),
    seriesOf,
    observe(reader, given, attributes) {
      const value = whole !== undefined && Number.isFinite(given) ? whole(given) : given;
      if (!(typeof value === "number" && value >= lowest && value <= highest)) {
        refuse(value);
        return undefined;
      }
      const series = seriesOf(reader)[0];
      return series === undefined
        ? undefined
        : { attributes: series.keep(attributes as Attributes | undefined), value };
    },
  };
  observables.add(instrument);
  return instrument;
}

export function isObservable(instrument: Observable): instrument is ObservableInstrument {
  return observables.has(instrument);
}

const observables = new WeakSet<Observable>();
