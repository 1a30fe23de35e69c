import fc from "fast-check";
import { expect, test } from "vitest";
import { bucketOf, createBuckets } from "./bucket-of.ts";

const double = fc.double({ noNaN: true, noDefaultInfinity: true });
const boundaryLists = fc.oneof(
  fc.array(double, { maxLength: 20 }),
  fc.array(fc.double({ min: 0, max: 1000, noNaN: true }), { maxLength: 20 }),
  fc.array(
    fc.integer({ min: -1100, max: 1023 }).map((exponent) => 2 ** exponent),
    { maxLength: 20 },
  ),
  fc.integer({ min: 1, max: 60 }).map((count) => Array.from({ length: count }, (_, index) => index)),
);

test("a value is counted in the first bucket whose bound is not below it, wherever the bounds are", () => {
  fc.assert(
    fc.property(boundaryLists, fc.array(double, { maxLength: 20 }), (given, others) => {
      const boundaries = [...new Set(given.map((each) => each + 0))].toSorted((one, other) => one - other);
      const buckets = createBuckets(boundaries);
      const beside = boundaries.flatMap((each) => [each, each * (1 + Number.EPSILON), each * (1 - Number.EPSILON)]);
      for (const value of [...others, ...beside, 0, -0, 5e-324, Number.MAX_VALUE, -Number.MAX_VALUE]) {
        if (!Number.isFinite(value)) continue;
        const found = boundaries.findIndex((boundary) => value <= boundary);
        expect(bucketOf(buckets, value)).toBe(found === -1 ? boundaries.length : found);
      }
    }),
    { numRuns: 2000 },
  );
});
