import * as v from "valibot";
import type { UsageKind } from "../ledger-row.ts";
import { queryError, shown } from "./query-error.ts";

/** A moment on a quarter hour, or, as a text without a time, a whole local day: `2026-11-21`, `2026-11-21T10:15:00Z`. */
export type QueryMoment = Date | string;

/** The range of a query. */
export interface QueryRange {
  readonly from: QueryMoment;
  /** Excluded; but a date without a time is included whole. Ten years after `from` at most. */
  readonly to: QueryMoment;
  /** Whose days dates are. Default: that of `usageQueries`. */
  readonly timeZone?: string;
}

/** What counts: exact values, null for "not known". Left out: any. */
export interface QueryScope {
  readonly tenant?: string;
  readonly project?: string | null;
  readonly employee?: string | null;
}

export interface SummaryParameters extends QueryRange, QueryScope {}

export interface TimelineParameters extends Omit<QueryScope, "employee"> {
  readonly step: "hour" | "day" | "week";
  /** From 1 to 90, today included. */
  readonly days: number;
  readonly timeZone?: string;
}

export interface OverviewParameters {
  readonly tenant?: string;
  readonly timeZone?: string;
}

export interface UsageParameters extends Omit<QueryScope, "project"> {
  /** From 1980 to 2199. */
  readonly year: number;
  /** From 1 to 12. Left out: the whole year. */
  readonly month?: number;
  readonly by: "tenant" | "employee" | "day";
  readonly timeZone?: string;
}

export interface TopTenantsParameters extends QueryRange {
  readonly by: "cost" | "tokens" | "calls";
  /** From 1 to 1000. */
  readonly limit: number;
}

export interface LatestParameters {
  readonly tenant: string;
  readonly project?: string;
  readonly process?: string;
  readonly kind?: UsageKind;
  readonly errorsOnly?: boolean;
  /** From 1 to 500. */
  readonly limit: number;
  /** Of the page before. */
  readonly cursor?: string;
}

export interface ErrorsParameters extends QueryRange {
  readonly tenant?: string;
}

/** The parameters of each query. */
export interface QueryParameters {
  readonly summary: SummaryParameters;
  readonly byModel: SummaryParameters;
  readonly timeline: TimelineParameters;
  readonly overview: OverviewParameters;
  readonly usage: UsageParameters;
  readonly topTenants: TopTenantsParameters;
  readonly latest: LatestParameters;
  readonly errors: ErrorsParameters;
}

/**
 * Checks a query's parameters, as the query itself does first. Strict on purpose: a parameter that is misspelt, or there but
 * undefined, is an error, since `tenant: undefined` must not become everybody's usage. And numbers are numbers: whoever reads
 * a query string converts them before.
 * @throws RangeError naming the parameter, what was found, and what is allowed.
 */
export function checkQueryParameters<Query extends keyof QueryParameters>(
  query: Query,
  parameters: unknown,
): QueryParameters[Query] {
  const result = v.safeParse(schemas[query], parameters, { abortEarly: true });
  if (result.success) return result.output as QueryParameters[Query];
  const [issue] = result.issues;
  const [place] = issue.path ?? [];
  if (place === undefined) throw queryError(`${query}: takes an object of parameters, found ${shown(issue.input)}`);
  const name = shown(place.key).slice(1, -1);
  const given = typeof parameters === "object" && parameters !== null && Object.hasOwn(parameters, String(place.key));
  if (issue.type === "strict_object") {
    throw queryError(given ? `${query}: there is no parameter ${shown(place.key)}` : `${query}: ${name} is missing`);
  }
  const advice = issue.input === undefined ? ": leave it out, or give it a value" : "";
  throw queryError(`${query}: ${name} ${issue.message}, found ${shown(issue.input)}${advice}`);
}

const text = (what: string): v.GenericSchema<string> =>
  v.pipe(
    v.string(what),
    v.check((value) => value !== "" && value.length <= 255 && isKeepable(value), what),
  );
const tenant: v.GenericSchema<string> = text("must be a text of 1 to 255 characters without NUL");
const dimension: v.GenericSchema<string | null> = v.nullable(
  text("must be a text of 1 to 255 characters without NUL, or null for what is not known"),
);
const moment: v.GenericSchema<Date | string> = v.custom<Date | string>(
  (value) => typeof value === "string" || isDate(value),
  "must be a Date, or an ISO 8601 text such as 2026-11-21 or 2026-11-21T10:15:00Z",
);
const timeZone: v.GenericSchema<string> = v.string("must be an IANA name such as Europe/Berlin");
const kind: v.GenericSchema<"llm_call" | "task" | "tool_call"> = oneOf(["llm_call", "task", "tool_call"]);
const range = { from: moment, to: moment, timeZone: v.exactOptional(timeZone) };

const summary: v.GenericSchema<SummaryParameters> = v.strictObject({
  tenant: v.exactOptional(tenant),
  project: v.exactOptional(dimension),
  employee: v.exactOptional(dimension),
  ...range,
});

const schemas: { readonly [Query in keyof QueryParameters]: v.GenericSchema<QueryParameters[Query]> } = {
  summary,
  byModel: summary,
  timeline: v.strictObject({
    step: oneOf(["hour", "day", "week"]),
    days: wholeNumber(1, 90),
    tenant: v.exactOptional(tenant),
    project: v.exactOptional(dimension),
    timeZone: v.exactOptional(timeZone),
  }),
  overview: v.strictObject({
    tenant: v.exactOptional(tenant),
    timeZone: v.exactOptional(timeZone),
  }),
  usage: v.strictObject({
    year: wholeNumber(1980, 2199),
    month: v.exactOptional(wholeNumber(1, 12)),
    tenant: v.exactOptional(tenant),
    employee: v.exactOptional(dimension),
    by: oneOf(["tenant", "employee", "day"]),
    timeZone: v.exactOptional(timeZone),
  }),
  topTenants: v.strictObject({
    ...range,
    by: oneOf(["cost", "tokens", "calls"]),
    limit: wholeNumber(1, 1000),
  }),
  latest: v.strictObject({
    tenant,
    project: v.exactOptional(tenant),
    process: v.exactOptional(tenant),
    kind: v.exactOptional(kind),
    errorsOnly: v.exactOptional(v.boolean("must be true or false")),
    limit: wholeNumber(1, 500),
    cursor: v.exactOptional(v.string("must be the cursor of the page before")),
  }),
  errors: v.strictObject({ tenant: v.exactOptional(tenant), ...range }),
};

function wholeNumber(least: number, most: number): v.GenericSchema<number> {
  const what = `must be a whole number from ${least} to ${most}`;
  return v.pipe(v.number(what), v.integer(what), v.minValue(least, what), v.maxValue(most, what));
}

function oneOf<const Values extends readonly string[]>(values: Values): v.GenericSchema<Values[number]> {
  return v.picklist(values, `must be ${values.slice(0, -1).join(", ")} or ${values.at(-1)}`);
}

/** What no database refuses: PostgreSQL takes no NUL, and no half of a surrogate pair. */
function isKeepable(value: string): boolean {
  return !value.includes("\0") && value.isWellFormed();
}

/** Not by `instanceof`: a date of another realm is one too. */
function isDate(value: unknown): value is Date {
  return Object.prototype.toString.call(value) === "[object Date]" && Number.isFinite(Number(value));
}
