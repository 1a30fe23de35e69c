import type { Attributes } from "@opentelemetry/api";
import { AssertionError } from "node:assert";
import { meterText } from "./meter-text.ts";
import type { TestMeters } from "./test-meters.ts";

/** What `assertMeter()` and the matcher `toHaveRecorded` compare, and what they say. */
export interface MeterComparison {
  readonly isEqual: boolean;
  readonly found: number | undefined;
  message(): string;
}

/**
 * Fails unless the series of the meter that have these attributes come to this value: see {@link TestMeters.value}. For node:test and any other runner.
 *
 * @throws AssertionError that shows what was recorded instead.
 */
export function assertMeter(meters: TestMeters, name: string, expected: number, attributes: Attributes = {}): void {
  const { isEqual, found, message } = compareMeter(meters, name, expected, attributes);
  if (isEqual) return;
  throw new AssertionError({
    message: message(),
    actual: found,
    expected,
    operator: "assertMeter",
    stackStartFn: assertMeter,
  });
}

export function compareMeter(
  meters: Pick<TestMeters, "value" | "collect">,
  name: string,
  expected: number,
  attributes: Attributes,
): MeterComparison {
  const found = meters.value(name, attributes);
  // Sums of money and seconds are not exact in binary.
  const isEqual = found !== undefined && Math.abs(found - expected) <= Math.abs(expected) * 1e-12;
  return {
    isEqual,
    found,
    message() {
      const which = Object.keys(attributes).length === 0 ? name : `${name} with ${JSON.stringify(attributes)}`;
      const own = meterText(meters.collect().filter((meter) => meter.name === name));
      const names = meters.collect().map((meter) => meter.name);
      const instead =
        own === "" ? `Nothing was recorded under this name, but: ${names.join(", ") || "nothing at all"}` : own;
      return `${which} is ${found ?? "not recorded"}, expected ${expected}.\n${instead}`;
    },
  };
}
