import { AggregationType, MeterProvider as OfficialMeterProvider } from "@opentelemetry/sdk-metrics";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ManualReader, pointsOf } from "../test/manual-reader.ts";
import type { Provider } from "../test/random-program.ts";
import { exponentialRows } from "./exponential-rows.ts";
import { MeterProvider } from "./meter-provider.ts";

const value = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer({ min: -1100, max: 1000 }).map((exponent) => 2 ** exponent),
  fc.integer({ min: -1000, max: 1000 }).map((exponent) => -(2 ** exponent)),
  fc.constantFrom(0, 1, -1, Number.MIN_VALUE, Number.MAX_VALUE, -Number.MAX_VALUE, 2 ** -1022),
  fc.double({ min: 0.001, max: 1000, noNaN: true }),
);
const maxSize = fc.integer({ min: 2, max: 200 });

test("any values, of either sign and any size, make the buckets that the official SDK makes of them", async () => {
  const recorded = async (Made: Provider, values: readonly number[], size: number): Promise<unknown[]> => {
    const reader = new ManualReader();
    const aggregation = { type: AggregationType.EXPONENTIAL_HISTOGRAM, options: { maxSize: size } } as const;
    const meter = new Made({ readers: [reader], views: [{ instrumentName: "balance", aggregation }] }).getMeter(
      "meter",
    );
    const counter = meter.createUpDownCounter("balance");
    for (const each of values) counter.add(each);
    return pointsOf(await reader.shown(), "balance");
  };
  await fc.assert(
    fc.asyncProperty(fc.array(value, { maxLength: 60 }), maxSize, async (values, size) => {
      expect(await recorded(MeterProvider, values, size)).toEqual(await recorded(OfficialMeterProvider, values, size));
    }),
    { numRuns: 500 },
  );
});

test("two intervals added up are the same as one in which all was recorded", () => {
  fc.assert(
    fc.property(
      fc.array(value, { maxLength: 40 }),
      fc.array(value, { maxLength: 40 }),
      maxSize,
      (first, second, size) => {
        const kind = exponentialRows({ maxSize: size, recordMinMax: true, negative: true });
        const [whole, one, other] = [first.concat(second), first, second].map((values) => {
          const rows = new Float64Array(kind.stride);
          kind.clear(rows, 0);
          for (const each of values) kind.record(rows, 0, each);
          return rows;
        }) as [Float64Array, Float64Array, Float64Array];
        kind.fold(other, 0, one, 0);
        expect(kind.read(one, 0, () => {})).toEqual(kind.read(whole, 0, () => {}));
      },
    ),
    { numRuns: 1000 },
  );
});
