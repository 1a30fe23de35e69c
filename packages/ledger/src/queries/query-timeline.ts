import type { Calendar } from "./calendar.ts";
import type { SumsRow } from "../ledger-store.ts";
import { byKind, callFigures, type CallFigures } from "./query-figures.ts";
import { checkQueryParameters, type OverviewParameters, type TimelineParameters } from "./query-parameters.ts";
import { filterOf, type QuerySource } from "./query-source.ts";

export interface TimelinePeriod extends CallFigures {
  /** ISO 8601, in UTC; included. */
  readonly from: string;
  /** Excluded. */
  readonly to: string;
  /** The local date on which it begins, for example `2026-11-21`. */
  readonly date: string;
}

export interface UsageOverview {
  readonly timeZone: string;
  /** Projects in which something was recorded this month. */
  readonly projects: number;
  /** The local day that is running. */
  readonly today: CallFigures & { readonly date: string };
  /** The local month that is running. */
  readonly month: CallFigures & { readonly from: string };
}

export async function timeline(
  source: QuerySource,
  parameters: TimelineParameters,
): Promise<readonly TimelinePeriod[]> {
  const checked = checkQueryParameters("timeline", parameters);
  const calendar = await source.calendar(checked.timeZone);
  const now = source.now();
  const boundaries = calendar.periods(checked.step, calendar.startOfDay(now, checked.days - 1), now + 1);
  const rows = await source.store.sums({
    boundaries,
    filter: filterOf(checked, ["tenant", "project"]),
    groupBy: ["kind"],
  });
  const found = new Map(byKind(rows, ({ period }) => [period]).map(({ key: [period], sums }) => [period, sums]));
  return boundaries.slice(0, -1).map((from, period) => ({
    from: new Date(from).toISOString(),
    to: new Date(boundaries[period + 1] ?? from).toISOString(),
    date: calendar.dateAt(from),
    ...callFigures(found.get(period) ?? {}),
  }));
}

export async function overview(source: QuerySource, parameters: OverviewParameters): Promise<UsageOverview> {
  const checked = checkQueryParameters("overview", parameters);
  const calendar = await source.calendar(checked.timeZone);
  const { month, today, tomorrow } = runningPeriods(calendar, source.now());
  // On the first of a month, there is no period before today.
  const boundaries = month < today ? [month, today, tomorrow] : [today, tomorrow];
  const rows = await source.store.sums({
    boundaries,
    filter: filterOf(checked, ["tenant"]),
    groupBy: ["project", "kind"],
  });
  const projects = new Set(rows.map(({ group }) => group.project ?? null));
  projects.delete(null);
  return {
    timeZone: calendar.timeZone,
    projects: projects.size,
    today: {
      date: calendar.dateAt(today),
      ...figuresOf(rows.filter(({ period }) => period === boundaries.length - 2)),
    },
    month: { from: calendar.dateAt(month), ...figuresOf(rows) },
  };
}

function runningPeriods(calendar: Calendar, now: number): { month: number; today: number; tomorrow: number } {
  const [month = now] = calendar.periods("month", now, now + 1);
  const [today = now, tomorrow = now] = calendar.periods("day", now, now + 1);
  return { month, today, tomorrow };
}

function figuresOf(rows: readonly SumsRow[]): CallFigures {
  return callFigures(byKind(rows, () => [])[0]?.sums ?? {});
}
