import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { calendarOf } from "../queries/calendar.ts";
import { maximumBoundaries, readPlan } from "./read-plan.ts";
import { type Dimension, dimensions, rollups } from "../rollups.ts";

const quarter = 900_000;
const start = Date.UTC(2026, 2, 1);

/** Table, period and length in buckets of each range. */
function shape(boundaries: readonly number[], needed: readonly Dimension[] = []): [string, number, number][] {
  return readPlan(boundaries, needed).flatMap(({ rollup, ranges }) =>
    ranges.map(({ period, low, high }): [string, number, number] => [
      rollup.table,
      period,
      (high - low) / (rollup.seconds ?? 0) / 1000,
    ]),
  );
}

describe("the plan of a read", () => {
  test("counts every quarter hour of a period exactly once, in that period: usage is neither lost nor billed twice", () => {
    const anyBoundaries = fc
      .uniqueArray(fc.integer({ min: -500, max: 6000 }), { minLength: 2, maxLength: 15 })
      .map((indexes) => indexes.toSorted((a, b) => a - b).map((index) => start + index * quarter));
    const equal = fc.property(anyBoundaries, fc.subarray([...dimensions]), (boundaries, needed) => {
      const periods = new Map<number, number>();
      let twice = 0;
      for (const { rollup, ranges } of readPlan(boundaries, needed)) {
        const size = (rollup.seconds ?? 0) * 1000;
        expect(rollup.dimensions).toEqual(expect.arrayContaining(needed));
        for (const { period, low, high } of ranges) {
          expect([low % size, high % size]).toEqual([0, 0]);
          for (let at = low; at < high; at += quarter) {
            if (periods.has(at)) twice++;
            periods.set(at, period);
          }
        }
      }
      expect(twice).toBe(0);
      const [first, last] = [boundaries[0]!, boundaries.at(-1)!];
      expect(periods.size).toBe((last - first) / quarter);
      boundaries.slice(1).forEach((end, period) => {
        expect([periods.get(boundaries[period]!), periods.get(end - quarter)]).toEqual([period, period]);
      });
    });
    fc.assert(equal, { numRuns: 60 });
  });

  test("reads a range once where it can: no two ranges of a table and period touch", () => {
    const plan = readPlan([start + quarter, start + 40 * 86_400_000 + 7 * quarter], []);
    for (const { ranges } of plan) {
      const ends = new Set(ranges.map(({ high }) => high));
      expect(ranges.some(({ low }) => ends.has(low))).toBe(false);
    }
  });

  test.each([
    ["Europe/Berlin", { usage_hours: 90 }],
    ["Asia/Kathmandu", { usage_hours: 90, usage_quarters: 180 }],
    ["UTC", { usage_days: 90 }],
  ])("reads ninety days of %s from the coarsest tables that fit", async (timeZone, expected) => {
    const calendar = await calendarOf(timeZone);
    const boundaries = calendar.periods("day", start, start + 89.5 * 86_400_000).slice(0, 91);
    const ranges = readPlan(boundaries, ["tenant", "model"]).map((part) => [part.rollup.table, part.ranges.length]);
    expect(Object.fromEntries(ranges)).toEqual(expected);
  });

  test("reads a UTC month from days, and a local one from days with hours at its edges", () => {
    expect(shape([start, Date.UTC(2026, 3, 1)])).toEqual([["usage_days", 0, 31]]);
    const hour = 4 * quarter;
    expect(shape([start - hour, Date.UTC(2026, 3, 1) - 2 * hour])).toEqual([
      ["usage_days", 0, 30],
      ["usage_hours", 0, 1],
      ["usage_hours", 0, 22],
    ]);
  });

  test("reads an employee's local day from quarters, since hours do not know employees", () => {
    const from = start - 4 * quarter;
    expect(shape([from, from + 96 * quarter], ["employee"])).toEqual([["usage_quarters", 0, 96]]);
    expect(rollups.find(({ table }) => table === "usage_hours")?.dimensions).not.toContain("employee");
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
