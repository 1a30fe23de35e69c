import type { Calendar } from "./calendar.ts";
import type { Dimension } from "../rollups.ts";
import { queryError } from "./query-error.ts";
import { byKind, workFigures, type WorkFigures } from "./query-figures.ts";
import { checkQueryParameters, type UsageParameters } from "./query-parameters.ts";
import { filterOf, type QuerySource } from "./query-source.ts";
import { ascending } from "./query-summary.ts";

export interface WorkUsage extends WorkFigures {
  /** The local day, with `by: "day"`; else null. */
  readonly day: string | null;
  readonly tenant: string;
  /** Null when it is not known; and with `by: "tenant"`, where all of them are together. */
  readonly employee: string | null;
}

export async function usage(source: QuerySource, parameters: UsageParameters): Promise<readonly WorkUsage[]> {
  const checked = checkQueryParameters("usage", parameters);
  const { year, month, by } = checked;
  if (by === "day" && month === undefined && checked.tenant === undefined) {
    throw queryError('usage: a year by day is of one tenant: give tenant or month, or ask by "tenant" or "employee"');
  }
  const calendar = await source.calendar(checked.timeZone);
  const [from, to] = bounds(calendar, year, month);
  const boundaries = by === "day" ? calendar.periods("day", from, to) : [from, to];
  const groupBy: Dimension[] = by === "tenant" ? ["tenant", "kind"] : ["tenant", "employee", "kind"];
  const rows = await source.store.sums({ boundaries, filter: filterOf(checked, ["tenant", "employee"]), groupBy });
  return byKind<string | number | null>(rows, ({ period, group }) => [
    period,
    group.tenant ?? "",
    group.employee ?? null,
  ])
    .map(({ first: { period, group }, sums }) => ({
      day: by === "day" ? calendar.dateAt(boundaries[period] ?? from) : null,
      tenant: group.tenant ?? "",
      employee: group.employee ?? null,
      ...workFigures(sums),
    }))
    .toSorted(
      (left, right) =>
        ascending(left.day, right.day) ||
        ascending(left.tenant, right.tenant) ||
        ascending(left.employee, right.employee),
    );
}

function bounds(calendar: Calendar, year: number, month: number | undefined): readonly [number, number] {
  // A moment in the middle of the period, whatever the zone.
  const inside = Date.UTC(year, month === undefined ? 6 : month - 1, 15);
  const [from = inside, to = inside] = calendar.periods(month === undefined ? "year" : "month", inside, inside + 1);
  return [from, to];
}
