import type { BudgetWindow } from "./budget.ts";
import { calendarOf } from "../queries/calendar.ts";

/**
 * A window at a moment. It is counted in slices, known by their first millisecond: a calendar window is one slice, a rolling
 * one the slices of the last so many seconds.
 */
export interface WindowAt {
  /** Counters of one budget with the same key are the same counters. */
  readonly key: string;
  /** The slice that the moment is in. */
  readonly slice: number;
  /** The oldest slice that counts. */
  readonly oldest: number;
  readonly end: number;
  /** Whether `end` is the end of it all, and not just of the present slice. */
  readonly isRolling: boolean;
  /** What to ask a ledger for; undefined where its quarter hours are too coarse. */
  readonly boundaries: readonly number[] | undefined;
}

/** Gives the window at once but for the first time in a time zone, whose calendar is loaded then. */
export type WindowClock = (moment: number) => WindowAt | Promise<WindowAt>;

export function windowClock(window: BudgetWindow): WindowClock {
  if (window.kind === "rolling") {
    const { seconds } = window;
    return (moment) => rollingAt(seconds, moment);
  }
  const { kind, timeZone = "UTC" } = window;
  let current: WindowAt | undefined;
  const keep = (start: number, end: number): WindowAt => {
    const key = `${kind}-${start}`;
    current = { key, slice: start, oldest: start, end, isRolling: false, boundaries: [start, end] };
    return current;
  };
  const bounds = timeZone === "UTC" ? utcBounds : undefined;
  let calendar: ReturnType<typeof calendarOf> | undefined;
  return (moment) => {
    if (current !== undefined && current.slice <= moment && moment < current.end) return current;
    if (bounds !== undefined) return keep(...bounds(kind, moment));
    calendar ??= calendarOf(timeZone);
    return calendar.then((loaded) => {
      const [start = moment, end = moment] = loaded.periods(kind, moment, moment + 1);
      return keep(start, end);
    });
  };
}

/**
 * Slices of a sixtieth of the window, at least a second. From an hour on they are whole quarter hours, so that a ledger can tell
 * what is in them. The oldest counts until all of it has passed.
 */
function rollingAt(seconds: number, moment: number): WindowAt {
  const fine = Math.ceil(seconds / 60);
  const isInLedger = seconds >= 3600;
  const step = (isInLedger ? Math.ceil(fine / 900) * 900 : fine) * 1000;
  const floor = (time: number): number => Math.floor(time / step) * step;
  const slice = floor(moment);
  const oldest = floor(moment - seconds * 1000);
  const count = (slice - oldest) / step + 2;
  return {
    key: `rolling-${seconds}`,
    slice,
    oldest,
    end: slice + step,
    isRolling: true,
    boundaries: isInLedger ? Array.from({ length: count }, (_, index) => oldest + index * step) : undefined,
  };
}

/** A rolling window moves on; any other stays what it is. */
export function movedTo(moment: number, window: WindowAt, of: BudgetWindow): WindowAt {
  return of.kind === "rolling" ? rollingAt(of.seconds, moment) : window;
}

function utcBounds(kind: "hour" | "day" | "week" | "month", moment: number): [start: number, end: number] {
  if (kind === "month") {
    const date = new Date(moment);
    const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
    return [Date.UTC(year, month, 1), Date.UTC(year, month + 1, 1)];
  }
  const length = { hour: hour, day, week: 7 * day }[kind];
  // The Unix epoch was a Thursday.
  const shift = kind === "week" ? 3 * day : 0;
  const start = Math.floor((moment + shift) / length) * length - shift;
  return [start, start + length];
}

const hour = 3_600_000;
const day = 24 * hour;
