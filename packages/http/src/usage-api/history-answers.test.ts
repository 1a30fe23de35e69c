import { afterEach, expect, test, vi } from "vitest";
import { localDate, rangeOf } from "./history-answers.ts";

afterEach(() => vi.useRealTimers());

test.each([
  ["2026-12-31T14:59:59Z", "Asia/Tokyo", "2026-12-31", "2026-12-01"],
  ["2026-12-31T15:00:00Z", "Asia/Tokyo", "2027-01-01", "2027-01-01"],
  ["2026-03-01T04:59:00Z", "America/New_York", "2026-02-28", "2026-02-01"],
  ["2026-03-01T00:00:00Z", "UTC", "2026-03-01", "2026-03-01"],
])("at %s in %s, this month until today is up to %s", (now, timeZone, today, first) => {
  vi.useFakeTimers({ toFake: ["Date"], now: new Date(now) });
  expect(localDate(timeZone)).toBe(today);
  expect(rangeOf({}, timeZone)).toEqual({ from: first, to: today, timeZone });
  expect(rangeOf({ timeZone }, "Pacific/Kiritimati")).toEqual({ from: first, to: today, timeZone });
});

test("what is asked for is taken as it is", () => {
  const query = { from: "2026-11-01T10:15:00Z", to: "2026-11-02", timeZone: "Europe/Berlin" };
  expect(rangeOf(query, "UTC")).toEqual(query);
});
