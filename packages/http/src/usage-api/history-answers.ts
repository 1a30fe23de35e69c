import type { CallFigures, LatestRow, UsageQueries, WorkFigures } from "@meterbridge/ledger";
import type { CallsAnswer, LatestAnswer, RangeAnswer, RowAnswer, UsageAnswer, WorkAnswer } from "./answers.ts";
import { costAnswer } from "./money.ts";
import { wrongParameter } from "./problem.ts";

/** What the ledger's figures are as JSON: everything but the bigint. */
export function callsAnswer({ costNanoUsd, costUsd: _text, ...figures }: CallFigures): CallsAnswer {
  return { ...figures, ...costAnswer(costNanoUsd) };
}

/** The range that was asked for. Without one it is this month until now. */
export function rangeOf(
  query: {
    readonly from?: string | undefined;
    readonly to?: string | undefined;
    readonly timeZone?: string | undefined;
  },
  defaultTimeZone: string,
): RangeAnswer {
  const timeZone = query.timeZone ?? defaultTimeZone;
  const today = localDate(timeZone);
  return { from: query.from ?? `${today.slice(0, 7)}-01`, to: query.to ?? today, timeZone };
}

/** The date that it is there now. */
export function localDate(timeZone: string): string {
  const parts = new Intl.DateTimeFormat("en", {
    timeZone,
    calendar: "gregory",
    numberingSystem: "latn",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  }).formatToParts(Date.now());
  const part = (type: string): string => parts.find((each) => each.type === type)?.value ?? "";
  return `${part("year").padStart(4, "0")}-${part("month")}-${part("day")}`;
}

/** What is there of a filter: a ledger takes one that is there but undefined for a mistake. */
export function given<Filter extends object>(
  filter: Filter,
): { [Name in keyof Filter]: Exclude<Filter[Name], undefined> } {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined)) as {
    [Name in keyof Filter]: Exclude<Filter[Name], undefined>;
  };
}

export interface UsageQuestion {
  readonly year: number;
  readonly month: number | undefined;
  readonly tenant: string | undefined;
  readonly employee: string | undefined;
  readonly isDaily: boolean;
  readonly timeZone: string;
}

/** Sums of a year or month by tenant and by employee, and the daily rows they are made of. */
export async function usageAnswer(queries: UsageQueries, question: UsageQuestion): Promise<UsageAnswer> {
  const { year, month, tenant, employee, isDaily, timeZone } = question;
  const parameters = { year, timeZone, ...given({ month, tenant, employee }) } as Parameters<UsageQueries["usage"]>[0];
  const [tenants, employees, daily] = await Promise.all([
    queries.usage({ ...parameters, by: "tenant" }),
    queries.usage({ ...parameters, by: "employee" }),
    isDaily ? queries.usage({ ...parameters, by: "day" }) : null,
  ]);
  refuseTooMany(Math.max(tenants.length, employees.length, daily?.length ?? 0));
  return {
    year,
    month: month ?? null,
    timeZone,
    summary: {
      tenants: tenants.map(({ day: _day, employee: _employee, ...row }) => workRow(row)),
      employees: employees.map(({ day: _day, ...row }) => workRow(row)),
    },
    daily: daily?.map((row) => ({ ...workRow(row), day: row.day ?? "" })) ?? null,
  };
}

export function latestAnswer(page: {
  readonly rows: readonly LatestRow[];
  readonly cursor: string | null;
}): LatestAnswer {
  return { rows: page.rows.map(rowAnswer), cursor: page.cursor };
}

function workRow<Row extends WorkFigures>(row: Row): Omit<Row, keyof WorkFigures> & WorkAnswer {
  return { ...row, ...costAnswer(row.costNanoUsd) };
}

/** Tokens are prompt and completion here, as in the table that this replaces. */
function rowAnswer(row: LatestRow): RowAnswer {
  const { inputTokens, outputTokens, costNanoUsd } = row;
  return {
    eventId: row.eventId,
    occurredAt: new Date(row.occurredAt).toISOString(),
    kind: row.kind,
    tenant: row.tenant,
    employee: row.employee,
    project: row.project,
    process: row.process,
    execution: row.execution,
    user: row.user,
    provider: row.provider,
    model: row.model,
    responseModel: row.responseModel,
    serviceTier: row.serviceTier,
    name: row.name,
    promptTokens: inputTokens,
    completionTokens: outputTokens,
    cacheReadTokens: row.cacheReadTokens,
    cacheWriteTokens: row.cacheWriteTokens,
    reasoningTokens: row.reasoningTokens,
    totalTokens: inputTokens === null && outputTokens === null ? null : (inputTokens ?? 0) + (outputTokens ?? 0),
    ...(costNanoUsd === null ? { costNanoUsd: null, costUsd: null } : costAnswer(costNanoUsd)),
    costStatus: row.costStatus,
    inferenceMs: row.inferenceMicros === null ? null : row.inferenceMicros / 1000,
    queueMs: row.queueMicros === null ? null : row.queueMicros / 1000,
    isSuccess: row.isSuccess,
    errorType: row.errorType,
    attempts: row.attempts,
    corrects: row.corrects,
  };
}

/** Half an answer that looks whole is worse than none, and a longer one would hold the event loop. */
function refuseTooMany(rows: number): void {
  if (rows <= mostRows) return;
  throw wrongParameter(
    "tenant",
    `the answer would have ${rows} rows, and at most ${mostRows} are given: ask for one tenant, one employee, one month, or ` +
      "daily=false",
    `an answer of at most ${mostRows} rows`,
  );
}

const mostRows = 10_000;
