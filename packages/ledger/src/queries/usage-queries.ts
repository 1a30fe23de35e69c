import { checkTimeZone } from "./calendar.ts";
import type { LedgerStore } from "../ledger-store.ts";
import { latest, type LatestPage } from "./query-latest.ts";
import type { QueryParameters } from "./query-parameters.ts";
import { querySource } from "./query-source.ts";
import {
  byModel,
  errors,
  summary,
  topTenants,
  type ModelUsage,
  type TenantUsage,
  type UsageErrors,
  type UsageSummary,
} from "./query-summary.ts";
import { overview, timeline, type TimelinePeriod, type UsageOverview } from "./query-timeline.ts";
import { usage, type WorkUsage } from "./query-usage.ts";

export interface UsageQueriesOptions {
  /**
   * Whose days, weeks and months: an IANA name. Every query may ask for another.
   * @default "UTC"
   */
  readonly timeZone?: string;
  /**
   * The present, in Unix milliseconds, for queries that end now.
   * @default Date.now
   */
  readonly now?: () => number;
}

/**
 * What people ask the ledger. All but `latest` read rollups alone, whatever the number of events; `latest` reads one page.
 * `from` and `to` are Dates or ISO 8601 texts on quarter hours; a date without a time is the whole local day, as `to` too.
 * Parameters that are wrong reject with a RangeError that names them and that `isQueryError` tells apart; whatever the store
 * rejects with comes through.
 */
export interface UsageQueries {
  /** What a range adds up to. */
  summary(parameters: QueryParameters["summary"]): Promise<UsageSummary>;
  /** The same by provider and model, most expensive first. */
  byModel(parameters: QueryParameters["byModel"]): Promise<readonly ModelUsage[]>;
  /**
   * The last local days, today included, in steps; also the empty ones, oldest first. The last is running. The first week is
   * a whole one, and so may begin before the first day.
   */
  timeline(parameters: QueryParameters["timeline"]): Promise<readonly TimelinePeriod[]>;
  /** Today and this month, in figures. */
  overview(parameters?: QueryParameters["overview"]): Promise<UsageOverview>;
  /** Tasks, time, tokens, tool calls, errors and cost of a year or a month by tenant, by employee, or by day and both. */
  usage(parameters: QueryParameters["usage"]): Promise<readonly WorkUsage[]>;
  /** The tenants with the highest cost, tokens or calls. */
  topTenants(parameters: QueryParameters["topTenants"]): Promise<readonly TenantUsage[]>;
  /** A tenant's newest rows, corrections included, by pages. */
  latest(parameters: QueryParameters["latest"]): Promise<LatestPage>;
  /** What failed, by kind, provider and model. */
  errors(parameters: QueryParameters["errors"]): Promise<UsageErrors>;
}

/** @throws RangeError when the time zone is not known. */
export function usageQueries(store: LedgerStore, options: UsageQueriesOptions = {}): UsageQueries {
  const { timeZone = "UTC", now = Date.now } = options;
  checkTimeZone(timeZone);
  const source = querySource(store, timeZone, now);
  return {
    summary: (parameters) => summary(source, parameters),
    byModel: (parameters) => byModel(source, parameters),
    timeline: (parameters) => timeline(source, parameters),
    overview: (parameters = {}) => overview(source, parameters),
    usage: (parameters) => usage(source, parameters),
    topTenants: (parameters) => topTenants(source, parameters),
    latest: (parameters) => latest(source, parameters),
    errors: (parameters) => errors(source, parameters),
  };
}
