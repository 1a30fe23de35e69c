import { diag, ValueType, type MetricAdvice, type MetricOptions } from "@opentelemetry/api";
import type { InstrumentType } from "@opentelemetry/sdk-metrics";
import { InstrumentType as Types } from "./official-enums.ts";

/** What an instrument, or the stream a view makes of it, is. The shape of the official SDK's descriptors. */
export interface InstrumentDescriptor {
  readonly name: string;
  readonly description: string;
  readonly type: InstrumentType;
  readonly unit: string;
  readonly valueType: ValueType;
  readonly advice: MetricAdvice;
}

export function createDescriptor(name: string, type: InstrumentType, options?: MetricOptions): InstrumentDescriptor {
  if (!validName.test(name)) {
    diag.warn(
      `[meterbridge] [sdk-metrics] instrument name "${name}" is invalid: a letter, then up to 254 letters, digits, "_", ".", "-" or "/"`,
    );
  }
  return {
    name,
    type,
    description: options?.description ?? "",
    unit: options?.unit ?? "",
    valueType: options?.valueType ?? ValueType.DOUBLE,
    advice: options?.advice ?? {},
  };
}

// Specification, metrics API, "Instrument name syntax".
const validName = /^[a-z][a-z0-9_.\-/]{0,254}$/i;

/** Whether values below zero are meaningful to the instrument; a sum of them is not monotonic then. */
export function allowsNegative(type: InstrumentType): boolean {
  return type !== Types.COUNTER && type !== Types.OBSERVABLE_COUNTER && type !== Types.HISTOGRAM;
}
