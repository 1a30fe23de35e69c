import type { Attributes, Counter, Gauge, Histogram, Meter, MetricOptions, UpDownCounter } from "@opentelemetry/api";
import type { MeterDefinition } from "./meter-definition.ts";

/** A synchronous instrument of the OpenTelemetry API. */
export type Instrument = Counter | UpDownCounter | Gauge | Histogram;

/** Makes the instrument of a definition. Boundaries are always advised: the SDK's defaults suit no unit of ours. */
export function createInstrument(meter: Meter, name: string, definition: MeterDefinition): Instrument {
  const options: MetricOptions = { unit: definition.unit, description: definition.description };
  switch (definition.instrument) {
    case "counter":
      return meter.createCounter(name, options);
    case "upDownCounter":
      return meter.createUpDownCounter(name, options);
    case "gauge":
      return meter.createGauge(name, options);
    case "histogram": {
      const explicitBucketBoundaries = [...(definition.buckets ?? [])];
      return meter.createHistogram(name, { ...options, advice: { explicitBucketBoundaries } });
    }
    case "observableGauge":
    case "observableUpDownCounter":
      throw new Error(`[meterbridge] ${definition.name} is observed, not recorded`);
  }
}

/** One series of one instrument. */
export interface Recording {
  /** Adds to it, or records into it. */
  record(value: number): void;
  /** Says that nothing more will come, so that the provider may give its room to another. */
  end(): void;
  /** What the provider gave for the series, where it can bind: see {@link combine}. */
  readonly handle?: object | undefined;
}

/** The instrument's series with these attributes: looked up once where the provider can do that, else at every recording. */
export function recordInto(instrument: Instrument, attributes: Attributes): Recording {
  const bound = canBind(instrument) ? instrument.bind(attributes) : undefined;
  if (bound !== undefined) {
    // Made from the handle's method, not around it: a call less for every recording.
    const record = (bound.add ?? bound.record)?.bind(bound);
    if (record !== undefined) return { record, end: () => bound.end?.(), handle: bound };
  }
  const record =
    "add" in instrument
      ? (value: number) => instrument.add(value, attributes)
      : (value: number) => instrument.record(value, attributes);
  return { record, end() {} };
}

/** One of the series that a combination records into. */
export interface Combined {
  readonly recording: Recording;
  /** Where its value stands in the list. */
  readonly position: number;
}

/**
 * One function for series that are recorded into together, from a list of values of which NaN is none: made by the provider where it
 * can do that, so that it finds and checks everything once. Values have to be such as the meters take.
 */
export function combine(meter: Meter, members: readonly Combined[]): (values: Float64Array) => void {
  const series = members.flatMap(({ recording, position }) =>
    recording.handle === undefined ? [] : [{ series: recording.handle, position }],
  );
  if (canCombine(meter) && series.length === members.length) return meter.combine(series);
  return (given) => {
    // The provider may log, and what it logs record in its turn, into the same list.
    const values = given.slice();
    for (const { recording, position } of members) {
      const value = values[position]!;
      if (!Number.isNaN(value)) recording.record(value);
    }
  };
}

/** What `@meterbridge/sdk-metrics` gives beyond the API. */
interface Bindable {
  bind(attributes: Attributes): Partial<Record<"add" | "record", (value: number) => void>> & { end?(): void };
}

function canBind(instrument: object): instrument is Bindable {
  return "bind" in instrument && typeof instrument.bind === "function";
}

/** The same for its meters. */
interface Combining {
  combine(members: readonly { series: object; position: number }[]): (values: Float64Array) => void;
}

function canCombine(meter: object): meter is Combining {
  return "combine" in meter && typeof meter.combine === "function";
}
