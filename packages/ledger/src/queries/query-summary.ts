import { byKind, callFigures, ratio, type CallFigures } from "./query-figures.ts";
import {
  checkQueryParameters,
  type ErrorsParameters,
  type SummaryParameters,
  type TopTenantsParameters,
} from "./query-parameters.ts";
import { rangeOf } from "./query-range.ts";
import { filterOf, type QuerySource } from "./query-source.ts";
import type { UsageKind } from "../ledger-row.ts";

export interface UsageSummary extends CallFigures {
  readonly tasks: number;
  readonly toolCalls: number;
}

export interface ModelUsage extends CallFigures {
  readonly provider: string | null;
  readonly model: string | null;
}

export interface TenantUsage extends CallFigures {
  readonly tenant: string;
}

export interface UsageErrors {
  /** All events: model calls, tasks and tool calls. */
  readonly events: number;
  readonly errors: number;
  /** From 0 to 1; null when there were no events. */
  readonly successRatio: number | null;
  /** Those with errors, most errors first. */
  readonly groups: readonly ErrorGroup[];
}

export interface ErrorGroup {
  readonly kind: UsageKind;
  readonly provider: string | null;
  readonly model: string | null;
  readonly events: number;
  readonly errors: number;
  readonly successRatio: number | null;
}

export async function summary(source: QuerySource, parameters: SummaryParameters): Promise<UsageSummary> {
  const checked = checkQueryParameters("summary", parameters);
  const { from, to } = rangeOf("summary", await source.calendar(checked.timeZone), checked);
  const rows = await source.store.sums({
    boundaries: [from, to],
    filter: filterOf(checked, ["tenant", "project", "employee"]),
    groupBy: ["kind"],
  });
  const sums = byKind(rows, () => [])[0]?.sums ?? {};
  return { ...callFigures(sums), tasks: sums.task?.events ?? 0, toolCalls: sums.tool_call?.events ?? 0 };
}

export async function byModel(source: QuerySource, parameters: SummaryParameters): Promise<readonly ModelUsage[]> {
  const checked = checkQueryParameters("byModel", parameters);
  const { from, to } = rangeOf("byModel", await source.calendar(checked.timeZone), checked);
  const rows = await source.store.sums({
    boundaries: [from, to],
    filter: filterOf(checked, ["tenant", "project", "employee"]),
    groupBy: ["kind", "provider", "model"],
  });
  return byKind(rows, ({ group }) => [group.provider ?? null, group.model ?? null])
    .map(({ key: [provider = null, model = null], sums }) => ({ provider, model, ...callFigures(sums) }))
    .filter(
      ({ calls, tokens, costNanoUsd, unpriced }) =>
        calls > 0 || tokens.total > 0 || unpriced !== 0 || costNanoUsd !== 0n,
    )
    .toSorted(
      (left, right) =>
        descending(left.costNanoUsd, right.costNanoUsd) ||
        descending(left.calls, right.calls) ||
        ascending(left.provider, right.provider) ||
        ascending(left.model, right.model),
    );
}

export async function topTenants(
  source: QuerySource,
  parameters: TopTenantsParameters,
): Promise<readonly TenantUsage[]> {
  const checked = checkQueryParameters("topTenants", parameters);
  const { from, to } = rangeOf("topTenants", await source.calendar(checked.timeZone), checked);
  const rows = await source.store.sums({ boundaries: [from, to], groupBy: ["tenant", "kind"] });
  const measure = (usage: TenantUsage): number | bigint => {
    if (checked.by === "cost") return usage.costNanoUsd;
    return checked.by === "tokens" ? usage.tokens.total : usage.calls;
  };
  return byKind(rows, ({ group }) => [group.tenant ?? ""])
    .map(({ key: [tenant = ""], sums }) => ({ tenant, ...callFigures(sums) }))
    .toSorted((left, right) => descending(measure(left), measure(right)) || ascending(left.tenant, right.tenant))
    .slice(0, checked.limit);
}

export async function errors(source: QuerySource, parameters: ErrorsParameters): Promise<UsageErrors> {
  const checked = checkQueryParameters("errors", parameters);
  const { from, to } = rangeOf("errors", await source.calendar(checked.timeZone), checked);
  const rows = await source.store.sums({
    boundaries: [from, to],
    filter: filterOf(checked, ["tenant"]),
    groupBy: ["kind", "provider", "model"],
  });
  const groups = rows.map(({ group, sums }) => ({
    kind: group.kind as UsageKind,
    provider: group.provider ?? null,
    model: group.model ?? null,
    events: sums.events,
    errors: sums.errors,
    successRatio: ratio(sums.successes, sums.events),
  }));
  const all = { events: sum(groups, "events"), errors: sum(groups, "errors") };
  return {
    ...all,
    successRatio: ratio(all.events - all.errors, all.events),
    groups: groups
      .filter((group) => group.errors > 0)
      .toSorted(
        (left, right) =>
          descending(left.errors, right.errors) ||
          ascending(left.kind, right.kind) ||
          ascending(left.provider, right.provider) ||
          ascending(left.model, right.model),
      ),
  };
}

function sum(groups: readonly ErrorGroup[], name: "events" | "errors"): number {
  return groups.reduce((so, group) => so + group[name], 0);
}

function descending<Value extends number | bigint>(left: Value, right: Value): number {
  return left === right ? 0 : left < right ? 1 : -1;
}

/** By code units, what is not known last. */
export function ascending(left: string | null, right: string | null): number {
  if (left === right) return 0;
  if (left === null || right === null) return left === null ? 1 : -1;
  return left < right ? -1 : 1;
}
