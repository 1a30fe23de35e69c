import type { Temporal } from "temporal-polyfill";
import { isQueryError, queryError, shown } from "./query-error.ts";

/** Weeks are those of ISO 8601: they begin on Monday. */
export type CalendarUnit = "hour" | "day" | "week" | "month" | "year";

/**
 * The periods of one time zone. Moments are Unix milliseconds, and every boundary is on a quarter hour. A period is what the
 * zone's own clocks make it: a day may have 23 or 25 hours, begin at 01:00 where midnight was skipped, or be missing where a
 * zone crossed the date line. A change of the clocks ends an hour, so no hour is longer than sixty minutes.
 */
export interface Calendar {
  readonly timeZone: string;
  /**
   * The boundaries of the periods that overlap the range, whole ones: n + 1 ascending moments bound n periods.
   * @throws RangeError where a period does not begin on a quarter hour, as in Kiribati before
   * October 1979. Since then every zone's do.
   */
  periods(unit: CalendarUnit, from: number, to: number): number[];
  /** Where the local day begins that is so many days before the moment's. */
  startOfDay(moment: number, daysBefore?: number): number;
  /** Where a date begins, and where it ends; undefined for what is no date, as 2026-02-30. */
  dayOf(year: number, month: number, day: number): readonly [from: number, to: number] | undefined;
  /** The date at that moment, as `2026-11-21`. */
  dateAt(moment: number): string;
}

/**
 * Loads the calendar of an IANA time zone.
 * @throws RangeError when the zone is not known.
 */
export async function calendarOf(timeZone: string): Promise<Calendar> {
  checkTimeZone(timeZone);
  const { Temporal: temporal } = await import("temporal-polyfill");
  return createCalendar(timeZone, temporal);
}

/** @throws RangeError when the zone is not known. Offsets such as +05:30 are none. */
export function checkTimeZone(timeZone: string): void {
  if (isTimeZone(timeZone)) return;
  throw queryError(`time zone ${shown(timeZone)} is not known: give an IANA name such as Europe/Berlin`);
}

type TemporalPackage = (typeof import("temporal-polyfill"))["Temporal"];

function createCalendar(timeZone: string, temporal: TemporalPackage): Calendar {
  const at = (moment: number): Temporal.ZonedDateTime =>
    temporal.Instant.fromEpochMilliseconds(moment).toZonedDateTimeISO(timeZone);
  const offsetAt = (moment: number): number => at(moment).offsetNanoseconds / 1_000_000;

  const startOf = (date: Temporal.PlainDate): number => {
    const start = date.toZonedDateTime(timeZone).epochMilliseconds;
    if (start % quarterHour === 0) return start;
    throw queryError(
      `${date.toString()} does not begin on a quarter hour in ${timeZone}: ask for later dates, or in UTC`,
    );
  };

  return {
    timeZone,

    periods(unit, from, to) {
      if (unit === "hour") return hours(offsetAt, from, to, timeZone);
      const step = { [`${unit}s`]: 1 };
      let date = firstDate(unit, at(from).toPlainDate());
      let start = startOf(date);
      const boundaries: number[] = [];
      do {
        date = date.add(step);
        const next = startOf(date);
        // Clocks that go back over midnight show a day's last hour again after the next day has begun. And a day that a zone
        // skipped is no period.
        if (next > from && next > start) boundaries.push(start);
        start = next;
      } while (start < to);
      return [...boundaries, start];
    },

    startOfDay(moment, daysBefore = 0) {
      const [start = moment] = this.periods("day", moment, moment + 1);
      return daysBefore === 0 ? start : startOf(at(start).toPlainDate().subtract({ days: daysBefore }));
    },

    dayOf(year, month, day) {
      try {
        const date = temporal.PlainDate.from({ year, month, day }, { overflow: "reject" });
        return [startOf(date), startOf(date.add({ days: 1 }))];
      } catch (error) {
        if (isQueryError(error)) throw error;
        return undefined;
      }
    },

    dateAt(moment) {
      return at(moment).toPlainDate().toString();
    },
  };
}

function firstDate(unit: CalendarUnit, date: Temporal.PlainDate): Temporal.PlainDate {
  if (unit === "week") return date.subtract({ days: date.dayOfWeek - 1 });
  if (unit === "month") return date.with({ day: 1 });
  return unit === "year" ? date.with({ month: 1, day: 1 }) : date;
}

function hours(offsetAt: (moment: number) => number, from: number, to: number, timeZone: string): number[] {
  /** The full hour before or at the moment by the clocks of that moment, or the change of the clocks since. */
  const startOfHour = (moment: number): number => {
    const offset = offsetAt(moment);
    const start = Math.floor((moment + offset) / hour) * hour - offset;
    return offsetAt(start) === offset ? start : firstQuarter(start, (quarter) => offsetAt(quarter) === offset);
  };
  const boundaries = [startOfHour(from)];
  let start = boundaries[0]!;
  if (start % quarterHour !== 0) {
    throw queryError(`hours do not begin on quarter hours in ${timeZone} then: ask for later dates, or in UTC`);
  }
  let offset = offsetAt(start);
  do {
    let next = Math.floor((start + offset) / hour + 1) * hour - offset;
    const nextOffset = offsetAt(next);
    if (nextOffset !== offset) next = firstQuarter(start, (quarter) => offsetAt(quarter) !== offset);
    offset = nextOffset;
    boundaries.push(next);
    start = next;
  } while (start < to);
  return boundaries;
}

/** There is one within the hour. */
function firstQuarter(after: number, accepts: (quarter: number) => boolean): number {
  let quarter = after + quarterHour;
  while (quarter < after + hour && !accepts(quarter)) quarter += quarterHour;
  return quarter;
}

function isTimeZone(timeZone: unknown): boolean {
  if (typeof timeZone !== "string" || !/^[A-Z][\w+/-]{0,63}$/i.test(timeZone)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone }).resolvedOptions();
    return true;
  } catch {
    return false;
  }
}

const quarterHour = 15 * 60_000;
const hour = 60 * 60_000;
