import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { calendarOf, type CalendarUnit } from "./calendar.ts";
import { isQueryError } from "./query-error.ts";

const quarterHour = 900_000;
const hour = 3_600_000;
const at = (text: string): number => Date.parse(text);

async function hoursOfDay(timeZone: string, moment: string): Promise<number> {
  const [from = 0, to = 0] = (await calendarOf(timeZone)).periods("day", at(moment), at(moment) + 1);
  return (to - from) / hour;
}

async function dayAt(timeZone: string, moment: string): Promise<string[]> {
  const boundaries = (await calendarOf(timeZone)).periods("day", at(moment), at(moment) + 1);
  return boundaries.map((boundary) => new Date(boundary).toISOString());
}

describe("a day", () => {
  test.each([
    ["Europe/Berlin", "2026-03-29T12:00:00Z", 23],
    ["Europe/Berlin", "2026-10-25T12:00:00Z", 25],
    ["Europe/Berlin", "2026-11-21T12:00:00Z", 24],
    ["Australia/Lord_Howe", "2026-04-05T06:00:00Z", 24.5],
    ["Australia/Lord_Howe", "2026-10-04T06:00:00Z", 23.5],
    ["Antarctica/Troll", "2026-03-29T12:00:00Z", 22],
  ])("in %s at %s is as long as its clocks make it", async (timeZone, moment, hours) => {
    expect(await hoursOfDay(timeZone, moment)).toBe(hours);
  });

  // From the zones' rules: midnight was skipped, so the day began when the clocks showed 01:00.
  test.each([
    ["America/Sao_Paulo", "2018-11-04T12:00:00Z", ["2018-11-04T03:00:00.000Z", "2018-11-05T02:00:00.000Z"]],
    ["Africa/Cairo", "2024-04-26T12:00:00Z", ["2024-04-25T22:00:00.000Z", "2024-04-26T21:00:00.000Z"]],
    ["Asia/Beirut", "2024-03-31T12:00:00Z", ["2024-03-30T22:00:00.000Z", "2024-03-31T21:00:00.000Z"]],
  ])("in %s whose midnight does not exist begins at 01:00 (%s)", async (timeZone, moment, boundaries) => {
    expect(await dayAt(timeZone, moment)).toEqual(boundaries);
  });

  test.each([
    ["Asia/Kathmandu", ["2026-11-20T18:15:00.000Z", "2026-11-21T18:15:00.000Z"]],
    ["Pacific/Chatham", ["2026-11-21T10:15:00.000Z", "2026-11-22T10:15:00.000Z"]],
    ["Asia/Kolkata", ["2026-11-20T18:30:00.000Z", "2026-11-21T18:30:00.000Z"]],
    ["Pacific/Kiritimati", ["2026-11-21T10:00:00.000Z", "2026-11-22T10:00:00.000Z"]],
  ])("in %s begins at its own midnight, on a quarter hour of UTC", async (timeZone, boundaries) => {
    expect(await dayAt(timeZone, "2026-11-21T12:00:00Z")).toEqual(boundaries);
  });

  test("that Samoa skipped is no period, and no time is lost to it", async () => {
    const apia = await calendarOf("Pacific/Apia");
    const boundaries = apia.periods("day", at("2011-12-29T12:00:00Z"), at("2011-12-31T12:00:00Z"));
    expect(boundaries.map((boundary) => apia.dateAt(boundary))).toEqual([
      "2011-12-29",
      "2011-12-31",
      "2012-01-01",
      "2012-01-02",
    ]);
  });

  test("whose last hour comes again after the next has begun gives that hour to the next, so that none counts twice", async () => {
    // Newfoundland went back from 00:01 to 23:01 of the day before.
    const boundaries = await dayAt("America/St_Johns", "2010-11-07T03:00:00Z");
    expect(boundaries).toEqual(["2010-11-07T02:30:00.000Z", "2010-11-08T03:30:00.000Z"]);
  });

  test("some days before another is counted by dates, over changes of the clocks", async () => {
    const berlin = await calendarOf("Europe/Berlin");
    expect(new Date(berlin.startOfDay(at("2026-11-21T12:00:00Z"), 89)).toISOString()).toBe("2026-08-23T22:00:00.000Z");
  });

  test("is found by its date, and what is no date is not", async () => {
    const berlin = await calendarOf("Europe/Berlin");
    expect(berlin.dayOf(2026, 10, 25)).toEqual([at("2026-10-24T22:00:00Z"), at("2026-10-25T23:00:00Z")]);
    expect([berlin.dayOf(2026, 2, 29), berlin.dayOf(2026, 13, 1), berlin.dayOf(2026, 0, 1)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe("weeks, months and years", () => {
  test("begin on Monday, on the first, and in January", async () => {
    const berlin = await calendarOf("Europe/Berlin");
    const starts = (unit: CalendarUnit): string[] =>
      berlin
        .periods(unit, at("2026-11-21T12:00:00Z"), at("2026-11-21T12:00:00Z") + 1)
        .map((each) => berlin.dateAt(each));
    expect(starts("week")).toEqual(["2026-11-16", "2026-11-23"]);
    expect(starts("month")).toEqual(["2026-11-01", "2026-12-01"]);
    expect(starts("year")).toEqual(["2026-01-01", "2027-01-01"]);
  });
});

describe("an hour", () => {
  test("is there twice when the clocks go back, and missing when they go forward", async () => {
    const berlin = await calendarOf("Europe/Berlin");
    const hoursIn = (day: readonly [number, number]): number => berlin.periods("hour", ...day).length - 1;
    expect([hoursIn(berlin.dayOf(2026, 10, 25)!), hoursIn(berlin.dayOf(2026, 3, 29)!)]).toEqual([25, 23]);
  });

  test("is cut short where clocks move by half of one, and never longer than sixty minutes", async () => {
    const lordHowe = await calendarOf("Australia/Lord_Howe");
    const boundaries = lordHowe.periods("hour", at("2026-04-04T14:00:00Z"), at("2026-04-04T16:30:00Z"));
    expect(boundaries.map((boundary) => new Date(boundary).toISOString().slice(11, 16))).toEqual([
      "14:00",
      "15:00",
      "15:30",
      "16:30",
    ]);
    const inside = lordHowe.periods("hour", at("2026-04-04T15:10:00Z"), at("2026-04-04T15:11:00Z"));
    expect(inside).toEqual([at("2026-04-04T15:00:00Z"), at("2026-04-04T15:30:00Z")]);
  });

  test("ends in the middle where the clocks change there, so that no hour reaches into the next day", async () => {
    // Pyongyang went from 23:30 to midnight.
    const pyongyang = await calendarOf("Asia/Pyongyang");
    const starts = (from: string): string[] =>
      pyongyang
        .periods("hour", at(from), at("2018-05-04T15:59:00Z"))
        .map((boundary) => new Date(boundary).toISOString().slice(11, 16));
    expect(starts("2018-05-04T14:45:00Z")).toEqual(["14:30", "15:00", "16:00"]);
    expect(starts("2018-05-04T15:10:00Z")).toEqual(["15:00", "16:00"]);
  });

  test("begins a quarter past UTC's in Kathmandu", async () => {
    const kathmandu = await calendarOf("Asia/Kathmandu");
    const boundaries = kathmandu.periods("hour", at("2026-11-21T12:00:00Z"), at("2026-11-21T12:00:00Z") + 1);
    expect(boundaries).toEqual([at("2026-11-21T11:15:00Z"), at("2026-11-21T12:15:00Z")]);
  });
});

describe("any period of any zone", () => {
  const zones = [...Intl.supportedValuesOf("timeZone"), "UTC"];

  test("is bounded by ascending quarter hours, holds the moment, and begins where the zone's own clocks change its date", async () => {
    const moments = fc.integer({ min: at("1981-01-02T00:00:00Z"), max: at("2037-01-01T00:00:00Z") });
    const units = fc.constantFrom<CalendarUnit[]>("hour", "day", "week", "month", "year");
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...zones), moments, units, async (timeZone, moment, unit) => {
        const boundaries = (await calendarOf(timeZone)).periods(unit, moment, moment + 1);
        const [from = 0, to = 0] = boundaries;
        expect(boundaries).toHaveLength(2);
        expect([from % quarterHour, to % quarterHour]).toEqual([0, 0]);
        expect(from <= moment && moment < to).toBe(true);
        if (unit === "hour") {
          expect(to - from).toBeLessThanOrEqual(hour);
          return;
        }
        for (const boundary of [from, to]) {
          expect(label(timeZone, unit, boundary)).not.toBe(label(timeZone, unit, boundary - 1));
        }
        expect(label(timeZone, unit, to - 1)).toBe(label(timeZone, unit, from));
      }),
      { numRuns: 1500 },
    );
  });

  test("meets the next without a gap, over three years at a time", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...zones),
        fc.integer({ min: 1981, max: 2034 }),
        fc.constantFrom<CalendarUnit[]>("day", "week", "month", "year"),
        async (timeZone, year, unit) => {
          const [from, to] = [Date.UTC(year, 0, 2), Date.UTC(year + 3, 0, 2)];
          const boundaries = (await calendarOf(timeZone)).periods(unit, from, to);
          expect(boundaries.every((boundary, index) => index === 0 || boundary > boundaries[index - 1]!)).toBe(true);
          expect([
            boundaries[0]! <= from,
            boundaries[1]! > from,
            boundaries.at(-1)! >= to,
            boundaries.at(-2)! < to,
          ]).toEqual([true, true, true, true]);
        },
      ),
      { numRuns: 100 },
    );
  });

  /** What the zone's clocks show, by another implementation: the period that a moment is in. */
  function label(timeZone: string, unit: CalendarUnit, moment: number): string {
    const format = new Intl.DateTimeFormat("en-CA", { timeZone, year: "numeric", month: "2-digit", day: "2-digit" });
    const date = format.format(moment);
    if (unit === "day") return date;
    if (unit === "month") return date.slice(0, 7);
    if (unit === "year") return date.slice(0, 4);
    const days = Date.parse(date) / 86_400_000;
    return String(Math.floor((days + 3) / 7));
  }
});

describe("what no calendar can tell", () => {
  test.each([
    ["an unknown zone", "Mars/Base"],
    ["an empty name", ""],
    ["an offset", "+05:30"],
    ["SQL", "utc; DROP TABLE usage_events"],
    ["NUL", "Europe/Berlin\0"],
    ["a path", "../../etc/passwd"],
    ["a text of a megabyte", "x".repeat(1e6)],
  ])("is refused in one line for %s", async (_what, timeZone) => {
    const error: unknown = await calendarOf(timeZone).catch((reason: unknown) => reason);
    expect(isQueryError(error)).toBe(true);
    expect((error as Error).message).toMatch(
      /^\[meterbridge\] \[ledger\] time zone ".{0,80}" is not known: give an IANA name such as Europe\/Berlin$/,
    );
  });

  test("is refused where a zone's clocks were off by seconds, instead of rounded to days that are nobody's", async () => {
    const monrovia = await calendarOf("Africa/Monrovia");
    expect(() => monrovia.periods("day", at("1971-06-01T12:00:00Z"), at("1971-06-02T12:00:00Z"))).toThrow(
      "1971-06-01 does not begin on a quarter hour in Africa/Monrovia: ask for later dates, or in UTC",
    );
    expect(() => monrovia.periods("hour", at("1971-06-01T12:00:00Z"), at("1971-06-01T13:00:00Z"))).toThrow(
      /quarter hours/,
    );
  });
});
