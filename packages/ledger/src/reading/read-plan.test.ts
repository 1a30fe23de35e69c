import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { calendarOf } from "../queries/calendar.ts";
import { maximumBoundaries, readPlan } from "./read-plan.ts";
import { type Dimension, dimensions, rollups } from "../rollups.ts";

const quarter = 900_000;
const start = Date.UTC(2026, 2, 1);

/** Table, buckets and effects of each piece: `+0` is added to period 0, `-0` taken from it. */
function shape(boundaries: readonly number[], needed: readonly Dimension[] = []): [string, number, string][] {
  return readPlan(boundaries, needed).flatMap(({ rollup, pieces }) =>
    pieces.map(({ low, high, effects }): [string, number, string] => [
      rollup.table,
      (high - low) / (rollup.seconds ?? 0) / 1000,
      effects.map(({ period, sign }) => `${sign === 1 ? "+" : "-"}${period}`).join(" "),
    ]),
  );
}

describe("the plan of a read", () => {
  test("counts every quarter hour of a period exactly once, in that period: usage is neither lost nor billed twice", () => {
    const anyBoundaries = fc
      .uniqueArray(fc.integer({ min: -500, max: 6000 }), { minLength: 2, maxLength: 15 })
      .map((indexes) => indexes.toSorted((a, b) => a - b).map((index) => start + index * quarter));
    const equal = fc.property(anyBoundaries, fc.subarray([...dimensions]), (boundaries, needed) => {
      const counted = boundaries.slice(1).map(() => new Map<number, number>());
      for (const { rollup, pieces } of readPlan(boundaries, needed)) {
        const size = (rollup.seconds ?? 0) * 1000;
        expect(rollup.dimensions).toEqual(expect.arrayContaining(needed));
        for (const { low, high, effects } of pieces) {
          expect([low % size, high % size]).toEqual([0, 0]);
          for (const { period, sign } of effects) {
            const times = counted[period]!;
            for (let at = low; at < high; at += quarter) times.set(at, (times.get(at) ?? 0) + sign);
          }
        }
      }
      for (const [period, times] of counted.entries()) {
        const found = [...times].filter(([, count]) => count !== 0).toSorted(([a], [b]) => a - b);
        const [from, to] = [boundaries[period]!, boundaries[period + 1]!];
        const expected = Array.from({ length: (to - from) / quarter }, (_, index) => [from + index * quarter, 1]);
        expect(found).toEqual(expected);
      }
    });
    fc.assert(equal, { numRuns: 60 });
  });

  test("reads no more than half a bucket of the next coarser table at an end, however odd the period is", () => {
    const anyPeriod = fc.tuple(fc.nat(40_000), fc.integer({ min: 1, max: 40_000 }));
    const short = fc.property(anyPeriod, ([from, length]) => {
      const plan = readPlan([start + from * quarter, start + (from + length) * quarter], ["tenant", "kind"]);
      const buckets = plan.map(({ rollup, pieces }) =>
        pieces.reduce((sum, { low, high }) => sum + (high - low) / (rollup.seconds ?? 0) / 1000, 0),
      );
      // Blocks of four weeks, then 2 × 14 days, 2 × 12 hours, 2 × 2 quarters.
      expect(buckets.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(length / 2688 + 2 + 28 + 24 + 4);
    });
    fc.assert(short, { numRuns: 200 });
  });

  test.each([
    ["Europe/Berlin", ["tenant", "kind"], { usage_kind_days: [90, 90], usage_kind_hours: [91, 153] }],
    ["Asia/Kathmandu", ["kind"], { usage_kind_days: [90, 90], usage_kind_hours: [91, 546], usage_quarters: [91, 91] }],
    ["UTC", ["kind"], { usage_kind_days: [90, 90] }],
    ["UTC", ["model"], { usage_model_days: [90, 90] }],
    ["UTC", ["kind", "employee"], { usage_days: [90, 90] }],
  ] as const)("reads ninety days of %s by %j from few buckets of narrow tables", async (timeZone, needed, expected) => {
    const calendar = await calendarOf(timeZone);
    const boundaries = calendar.periods("day", start, start + 89.5 * 86_400_000).slice(0, 91);
    const found = readPlan(boundaries, needed).map(({ rollup, pieces }) => {
      const buckets = pieces.map(({ low, high }) => (high - low) / (rollup.seconds ?? 0) / 1000);
      return [rollup.table, [pieces.length, buckets.reduce((sum, count) => sum + count, 0)]];
    });
    expect(Object.fromEntries(found)).toEqual(expected);
  });

  test("reads a local month from days, adding the hours before it and taking away its last ones", () => {
    const month = Date.UTC(2026, 3, 1);
    const hour = 4 * quarter;
    const days = [
      ["usage_model_blocks", 1, "+0"],
      ["usage_model_days", 11, "+0"],
      ["usage_model_days", 8, "-0"],
    ];
    expect(shape([start, month], ["model"])).toEqual(days);
    expect(shape([start - hour, month - 2 * hour], ["model"])).toEqual([
      ...days,
      ["usage_quarters", 4, "+0"],
      ["usage_quarters", 8, "-0"],
    ]);
  });

  test("reads the hours between two local days once, for both", () => {
    const hour = 4 * quarter;
    const days = [0, 1, 2].map((day) => start + day * 86_400_000 - hour);
    expect(shape(days, ["kind"])).toEqual([
      ["usage_kind_days", 1, "+0"],
      ["usage_kind_days", 1, "+1"],
      ["usage_kind_hours", 1, "+0"],
      ["usage_kind_hours", 1, "-0 +1"],
      ["usage_kind_hours", 1, "-1"],
    ]);
  });

  test("reads an employee's local day from a day and quarters, since hours do not know employees", () => {
    const from = start - 4 * quarter;
    expect(shape([from, from + 96 * quarter], ["employee"])).toEqual([
      ["usage_days", 1, "+0"],
      ["usage_quarters", 4, "+0"],
      ["usage_quarters", 4, "-0"],
    ]);
    expect(rollups.find(({ table }) => table === "usage_kind_hours")?.dimensions).not.toContain("employee");
  });

  test.each([
    [[], "found 0"],
    [[0], "found 1"],
    [Array.from({ length: maximumBoundaries + 1 }, (_, index) => index * quarter), "found 20001"],
    [[0, 1], "boundaries[1] is 1"],
    [[0.5, quarter], "boundaries[0] is 0.5"],
    [[0, Number.NaN], "boundaries[1] is NaN"],
    [[0, Infinity], "boundaries[1] is Infinity"],
    [[0, 0], "boundaries[1] is 0, after 0"],
    [[0, 2 * quarter, quarter], "boundaries[2] is 900000, after 1800000"],
  ])("refuses wrong boundaries by name, instead of answering for others", (boundaries, found) => {
    expect(() => readPlan(boundaries, [])).toThrow(`[meterbridge] [ledger] sums need`);
    expect(() => readPlan(boundaries, [])).toThrow(found);
  });
});
