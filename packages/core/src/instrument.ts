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

/** A function that adds to, or records into, the instrument's series with these attributes. */
export function recordInto(instrument: Instrument, attributes: Attributes): (value: number) => void {
  return "add" in instrument
    ? (value) => instrument.add(value, attributes)
    : (value) => instrument.record(value, attributes);
}
