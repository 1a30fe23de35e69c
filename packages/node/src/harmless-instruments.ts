import {
  type Attributes,
  type Context,
  type Counter,
  type DiagLogger,
  type Meter,
  type MeterProvider,
  ValueType,
} from "@opentelemetry/api";
import { safeAttributes } from "./safe-attributes.ts";

/**
 * Makes the official provider's synchronous instruments harmless, for code that uses the OpenTelemetry API by itself (core's
 * recorders are harmless already): a null, cyclic or throwing attribute does not throw into the application, an attribute object
 * that is changed after the call does not relabel what it recorded, and NaN or Infinity does not poison a sum for ever. What is
 * refused is counted in `meterbridge.values.refused` and told once.
 */
export function harmless(provider: MeterProvider, logger: DiagLogger): void {
  const getMeter = provider.getMeter.bind(provider);
  const seen = new WeakSet<Meter>();
  const refuse = createRefusals(() => getMeter("@meterbridge/node"), logger);

  provider.getMeter = (...scope) => {
    const meter = getMeter(...scope);
    if (!seen.has(meter)) {
      seen.add(meter);
      guardMeter(meter, refuse);
    }
    return meter;
  };
}

type Refuse = (
  meter: string,
  reason: "not_a_number" | "not_finite" | "negative" | "too_large" | "attribute_value",
) => void;
type Recording = (value: number, attributes?: Attributes, context?: Context) => void;

function guardMeter(meter: Meter, refuse: Refuse): void {
  const { createCounter, createUpDownCounter, createHistogram, createGauge } = meter;
  meter.createCounter = (name, options) => {
    const counter = createCounter.call(meter, name, options);
    return Object.assign(counter, { add: guard(counter.add.bind(counter), name, options?.valueType, true) });
  };
  meter.createUpDownCounter = (name, options) => {
    const counter = createUpDownCounter.call(meter, name, options);
    return Object.assign(counter, { add: guard(counter.add.bind(counter), name, options?.valueType, false) });
  };
  meter.createHistogram = (name, options) => {
    const histogram = createHistogram.call(meter, name, options);
    return Object.assign(histogram, {
      record: guard(histogram.record.bind(histogram), name, options?.valueType, true),
    });
  };
  meter.createGauge = (name, options) => {
    const gauge = createGauge.call(meter, name, options);
    return Object.assign(gauge, { record: guard(gauge.record.bind(gauge), name, options?.valueType, false) });
  };

  function guard(record: Recording, name: string, type: ValueType | undefined, fromZero: boolean): Recording {
    return (value, attributes, context) => {
      if (typeof value !== "number") refuse(name, "not_a_number");
      else if (!Number.isFinite(value)) refuse(name, "not_finite");
      else if (fromZero && value < 0) refuse(name, "negative");
      // Beyond this an integer has no exact double, and none at all in OTLP.
      else if (type === ValueType.INT && Math.abs(value) > Number.MAX_SAFE_INTEGER) refuse(name, "too_large");
      else
        record(
          value,
          safeAttributes(attributes, () => refuse(name, "attribute_value")),
          context,
        );
    };
  }
}

/** Kept small: no stream of mistakes may grow memory. */
const mostTold = 1000;

function createRefusals(getMeter: () => Meter, logger: DiagLogger): Refuse {
  const told = new Set<string>();
  // Made at the first refusal: most processes have none to show.
  let refused: Counter | undefined;
  return (meter, reason) => {
    refused ??= getMeter().createCounter("meterbridge.values.refused", {
      unit: "{value}",
      description: "Values and attributes that could not be recorded as given",
    });
    refused.add(1, { meter: meter.slice(0, 255), reason });
    const key = `${meter} ${reason}`;
    if (told.has(key) || told.size >= mostTold) return;
    told.add(key);
    logger.warn(`${meter}: a value or attribute could not be recorded as given (${reason}); told once, counted`);
  };
}
