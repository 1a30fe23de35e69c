import { expect, test } from "vitest";
import { holdingOf } from "./listed-prices.ts";

function hours(start: string, end: string): readonly string[] {
  const holds = holdingOf({ type: "time_of_date", start_time: start, end_time: end });
  const times = [
    "00:00:00.000",
    "01:59:59.999",
    "02:00:00.000",
    "05:59:59.999",
    "06:00:00.000",
    "21:59:59.999",
    "22:00:00.000",
  ];
  return times.filter((time) => holds(new Date(`2026-11-01T${time}Z`)));
}

test("a price by the hour holds from its first millisecond to before its last", () => {
  expect(hours("02:00:00Z", "06:00:00Z")).toEqual(["02:00:00.000", "05:59:59.999"]);
});

test("a price of the night holds over midnight", () => {
  expect(hours("22:00:00Z", "02:00:00Z")).toEqual(["00:00:00.000", "01:59:59.999", "22:00:00.000"]);
});

test("a price by the hour of another time zone holds when it is that hour there", () => {
  expect(hours("06:00:00+08:00", "10:00:00+08:00")).toEqual(["00:00:00.000", "01:59:59.999", "22:00:00.000"]);
});

test("hours of before 1970 are hours too", () => {
  const holds = holdingOf({ type: "time_of_date", start_time: "02:00:00Z", end_time: "06:00:00Z" });
  expect([holds(new Date("1969-12-31T03:00:00Z")), holds(new Date("1969-12-31T07:00:00Z"))]).toEqual([true, false]);
});
