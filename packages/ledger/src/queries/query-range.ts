import type { Calendar } from "./calendar.ts";
import { queryError, shown } from "./query-error.ts";

export interface MomentRange {
  /** Unix milliseconds on quarter hours; from included, to excluded. */
  readonly from: number;
  readonly to: number;
}

/**
 * What `from` and `to` mean. A date without a time is the calendar's whole day, so that from 2026-11-01 to 2026-11-30 is all
 * of November. Any other moment has to be on a quarter hour, the finest that rollups know.
 * @throws RangeError naming the parameter.
 */
export function rangeOf(query: string, calendar: Calendar, given: GivenRange): MomentRange {
  const range = momentsOf(query, calendar, given);
  onQuarterHour(query, "from", range.from);
  onQuarterHour(query, "to", range.to);
  return range;
}

/** The same for moments that need not be on quarter hours, where rows are read and not rollups. */
export function momentsOf(query: string, calendar: Calendar, { from, to }: GivenRange): MomentRange {
  const range = { from: momentOf(query, calendar, "from", from), to: momentOf(query, calendar, "to", to) };
  if (range.from >= range.to) {
    throw queryError(`${query}: from must be before to, found ${shown(from)} and ${shown(to)}`);
  }
  if (range.to - range.from > longestDays * day) {
    throw queryError(
      `${query}: from and to must be at most ${longestDays} days apart (ten years), found ${shown(from)} and ${shown(to)}`,
    );
  }
  return range;
}

interface GivenRange {
  readonly from: Date | string;
  readonly to: Date | string;
}

/** The finest that rollups can be cut at. */
function onQuarterHour(query: string, name: string, moment: number): void {
  if (moment % quarterHour === 0) return;
  const before = moment - (moment % quarterHour);
  throw queryError(
    `${query}: ${name} must be on a quarter hour, the finest that is added up, found ${shown(new Date(moment))}: ` +
      `ask for ${isoText(before)} or ${isoText(before + quarterHour)}`,
  );
}

function momentOf(query: string, calendar: Calendar, name: "from" | "to", given: Date | string): number {
  if (typeof given !== "string") return withinYears(query, name, Number(given));
  const [, year, month, date, time] = isoMoment.exec(given) ?? [];
  if (year === undefined || !isDate(year, month, date)) {
    throw queryError(
      `${query}: ${name} must be an ISO 8601 date, or a time with its offset, found ${shown(given)}: ` +
        "write 2026-11-21 or 2026-11-21T10:15:00Z",
    );
  }
  if (time !== undefined) return withinYears(query, name, Date.parse(given));
  const bounds = calendar.dayOf(Number(year), Number(month), Number(date));
  return withinYears(query, name, bounds?.[name === "from" ? 0 : 1] ?? Number.NaN);
}

function withinYears(query: string, name: string, moment: number): number {
  if (moment >= 0 && moment < latest) return moment;
  throw queryError(`${query}: ${name} must be from 1970 to 2199, found ${shown(new Date(moment))}`);
}

/** The engine's own parser takes February 30 for March 2. */
function isDate(year: string, month: string | undefined, date: string | undefined): boolean {
  const moment = Date.UTC(Number(year), Number(month) - 1, Number(date));
  return new Date(moment).toISOString().startsWith(`${year}-${month}-${date}T`);
}

function isoText(moment: number): string {
  return new Date(moment).toISOString().replace(":00.000Z", "Z");
}

const isoMoment =
  /^(\d{4})-(0\d|1[012])-([0-3]\d)(T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?:Z|[+-][01]\d:[0-5]\d))?$/;
const quarterHour = 15 * 60_000;
const day = 24 * 60 * 60_000;
const longestDays = 3660;
const latest = Date.UTC(2200, 0, 1);
