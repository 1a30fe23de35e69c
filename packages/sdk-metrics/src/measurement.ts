import { ValueType } from "@opentelemetry/api";
import { allowsNegative, type InstrumentDescriptor } from "./descriptor.ts";
import type { RefusalReason, Refuse } from "./refusals.ts";

/** What an instrument takes: any number from the lowest to the highest is recorded as it is. */
export interface Measurable {
  readonly lowest: number;
  readonly highest: number;
  /** Told of a value that is none of these. */
  refuse(value: unknown): void;
  /** Of an instrument of whole numbers: the value without its fraction. Undefined for others. */
  readonly whole: ((value: number) => number) | undefined;
}

/** The instrument's values. Counters and histograms take none below zero (specification, metrics API, "Counter", "Histogram"). */
export function measurableOf(descriptor: InstrumentDescriptor, refuse: Refuse): Measurable {
  const isWhole = descriptor.valueType === ValueType.INT;
  const highest = isWhole ? Number.MAX_SAFE_INTEGER : Number.MAX_VALUE;
  const lowest = allowsNegative(descriptor.type) ? -highest : 0;
  return {
    lowest,
    highest,
    refuse: (value) => refuse(descriptor.name, reasonAgainst(value, lowest)),
    whole: isWhole
      ? (value) => {
          if (!Number.isInteger(value)) refuse(descriptor.name, "not_whole");
          return Math.trunc(value);
        }
      : undefined,
  };
}

function reasonAgainst(value: unknown, lowest: number): RefusalReason {
  if (typeof value !== "number") return "not_a_number";
  if (!Number.isFinite(value)) return "not_finite";
  return lowest === 0 && value < 0 ? "negative" : "too_large";
}
