import type { Attributes } from "@opentelemetry/api";
import { compareMeter } from "./assert-meter.ts";
import type { TestMeters } from "./test-meters.ts";

/** Matchers of Vitest: `expect.extend(meterMatchers)`, then `expect(meters).toHaveRecorded("orders", 3, { tenant: "acme" })`. */
export const meterMatchers: MeterMatchers = {
  toHaveRecorded(meters, name, expected, attributes = {}) {
    const { isEqual, found, message } = compareMeter(meters, name, expected, attributes);
    return { pass: isEqual, message, actual: found, expected };
  },
};

/** An alias and no interface: Vitest takes what has an index signature. */
export type MeterMatchers = {
  toHaveRecorded(
    meters: TestMeters,
    name: string,
    expected: number,
    attributes?: Attributes,
  ): { pass: boolean; message: () => string; actual: unknown; expected: unknown };
};

/**
 * The types of the matchers, for the application to declare, since each version of Vitest has an interface of its own: with Vitest 5
 * `declare module "vitest" { interface Matchers<R extends void | Promise<void>, T> extends MeterAssertions<R> {} }`.
 */
export interface MeterAssertions<Result> {
  /** The series of the meter that have these attributes come to this value, together. */
  toHaveRecorded(name: string, expected: number, attributes?: Attributes): Result;
}
