import * as v from "valibot";
import * as schemas from "./answer-schemas.ts";
import * as field from "./query-fields.ts";
import type { SummaryAnswer } from "./answers.ts";
import { callsAnswer, given, latestAnswer, localDate, rangeOf, usageAnswer } from "./history-answers.ts";
import { liveCheckpoints, liveSummary, liveWorkflows } from "./live-answers.ts";
import { liveLlm } from "./live-llm.ts";
import { livePoints, type LivePoints } from "./live-points.ts";
import { prometheusAnswer, prometheusHealth } from "./prometheus-answers.ts";
import { route, type Asked, type Route } from "./route.ts";

const tenant = v.optional(field.tenant);
const timeZone = v.optional(field.timeZone);
const range = { from: v.optional(field.from), to: v.optional(field.to), timeZone };
const scope = { tenant, project: v.optional(field.project), employee: v.optional(field.employee) };

/** Every route there is. The router, the OpenAPI description and the table in docs/usage-api.md are made of this. */
export const routes: readonly Route[] = [
  route({
    path: "/workflows",
    operationId: "workflows",
    summary: "Workflows created, running and ended, by name",
    scope: "tenant",
    needs: "meters",
    query: v.strictObject({ tenant }),
    answer: schemas.liveWorkflows,
    respond: async (asked) => liveWorkflows(await pointsOf(asked)),
  }),
  route({
    path: "/llm",
    operationId: "llm",
    summary: "Model calls, tokens, cost and latency by model",
    scope: "tenant",
    needs: "meters",
    query: v.strictObject({ tenant }),
    answer: schemas.liveLlm,
    respond: async (asked) => liveLlm(await pointsOf(asked)),
  }),
  route({
    path: "/checkpoints",
    operationId: "checkpoints",
    summary: "Checkpoints created and decided, by name",
    scope: "tenant",
    needs: "meters",
    query: v.strictObject({ tenant }),
    answer: schemas.liveCheckpoints,
    respond: async (asked) => liveCheckpoints(await pointsOf(asked)),
  }),
  route({
    path: "/summary",
    operationId: "summary",
    summary: "Everything in figures: live since the process began, and the ledger's of a range",
    scope: "tenant",
    needs: "meters or ledger",
    query: v.strictObject({ ...scope, ...range }),
    answer: schemas.summary,
    respond: summaryAnswer,
  }),
  route({
    path: "/by-provider",
    operationId: "byProvider",
    summary: "Model calls of a range by provider and model, most expensive first",
    scope: "tenant",
    needs: "ledger",
    query: v.strictObject({ ...scope, ...range }),
    answer: schemas.byProvider,
    async respond({ query, sources, timeZone: usual }) {
      const { tenant: whose, project, employee } = query;
      const asked = rangeOf(query, usual);
      const rows = await sources.ledger((ledger) =>
        ledger.byModel({ ...asked, ...given({ tenant: whose, project, employee }) }),
      );
      return { ...asked, models: rows.map((row) => ({ ...row, ...callsAnswer(row) })) };
    },
  }),
  route({
    path: "/timeline",
    operationId: "timeline",
    summary: "Model calls of the last days by hour, day or week",
    scope: "tenant",
    needs: "ledger",
    query: v.strictObject({
      step: v.optional(field.oneOf(["hour", "day", "week"], "How long a period is."), "day"),
      days: v.optional(field.wholeNumber(1, 90, "How many days back, today included."), "30"),
      tenant,
      project: scope.project,
      timeZone,
    }),
    answer: schemas.timeline,
    async respond({ query, sources, timeZone: usual }) {
      const { step, days, tenant: whose, project } = query;
      const zone = query.timeZone ?? usual;
      const periods = await sources.ledger((ledger) =>
        ledger.timeline({ step, days, timeZone: zone, ...given({ tenant: whose, project }) }),
      );
      return { step, days, timeZone: zone, periods: periods.map((each) => ({ ...each, ...callsAnswer(each) })) };
    },
  }),
  route({
    path: "/overview",
    operationId: "overview",
    summary: "Today and this month, and how many projects were active",
    scope: "tenant",
    needs: "ledger",
    query: v.strictObject({ tenant, timeZone }),
    answer: schemas.overview,
    async respond({ query, sources, timeZone: usual }) {
      const zone = query.timeZone ?? usual;
      const { today, month, ...rest } = await sources.ledger((ledger) =>
        ledger.overview({ timeZone: zone, ...given({ tenant: query.tenant }) }),
      );
      return { ...rest, today: { ...today, ...callsAnswer(today) }, month: { ...month, ...callsAnswer(month) } };
    },
  }),
  route({
    path: "/usage",
    operationId: "usage",
    summary: "Tasks, time, tokens, tool calls, errors and cost of a year or month by tenant, employee and day",
    description:
      "The daily rows are there where a month or a tenant is asked for, unless `daily` says otherwise. An answer has at most " +
      "10,000 rows of a sort; a longer one is refused.",
    scope: "tenant",
    needs: "ledger",
    query: v.strictObject({
      year: v.optional(field.wholeNumber(1980, 2199, "Left out: this year.")),
      month: v.optional(field.wholeNumber(1, 12, "Left out: the whole year.")),
      tenant,
      employee: scope.employee,
      daily: v.optional(field.yesOrNo("Whether the answer has a row for each day, too.")),
      timeZone,
    }),
    answer: schemas.usage,
    async respond({ query, sources, timeZone: usual }) {
      const { month, tenant: whose, employee, timeZone: zone = usual } = query;
      const year = query.year ?? Number(localDate(zone).slice(0, 4));
      const isDaily = query.daily ?? (month !== undefined || whose !== undefined);
      const question = { year, month, tenant: whose, employee, isDaily, timeZone: zone };
      return await sources.ledger((ledger) => usageAnswer(ledger, question));
    },
  }),
  route({
    path: "/top-tenants",
    operationId: "topTenants",
    summary: "The tenants with the highest cost, tokens or calls of a range",
    scope: "admin",
    needs: "ledger",
    query: v.strictObject({
      by: v.optional(field.oneOf(["cost", "tokens", "calls"], "What counts."), "cost"),
      limit: v.optional(field.wholeNumber(1, 1000, "How many tenants."), "10"),
      ...range,
    }),
    answer: schemas.topTenants,
    async respond({ query, sources, timeZone: usual }) {
      const { by, limit } = query;
      const asked = rangeOf(query, usual);
      const rows = await sources.ledger((ledger) => ledger.topTenants({ ...asked, by, limit }));
      return { ...asked, by, tenants: rows.map((row) => ({ ...row, ...callsAnswer(row) })) };
    },
  }),
  route({
    path: "/errors",
    operationId: "errors",
    summary: "What failed in a range, by kind, provider and model",
    scope: "tenant",
    needs: "ledger",
    query: v.strictObject({ tenant, ...range }),
    answer: schemas.errors,
    async respond({ query, sources, timeZone: usual }) {
      const asked = rangeOf(query, usual);
      const found = await sources.ledger((ledger) => ledger.errors({ ...asked, ...given({ tenant: query.tenant }) }));
      return { ...asked, ...found };
    },
  }),
  route({
    path: "/latest",
    operationId: "latest",
    summary: "A tenant's newest rows, one for each model call, task and tool call, by pages",
    scope: "tenant",
    needs: "ledger",
    query: v.strictObject({
      tenant: field.tenant,
      project: scope.project,
      process: v.optional(field.process),
      kind: v.optional(field.oneOf(["llm_call", "task", "tool_call"], "Only rows of this kind.")),
      errorsOnly: v.optional(field.yesOrNo("Only what failed.")),
      limit: v.optional(field.wholeNumber(1, 500, "How many rows."), "50"),
      cursor: v.optional(field.cursor),
    }),
    answer: schemas.latest,
    async respond({ query, sources }) {
      return latestAnswer(
        await sources.ledger((ledger) => ledger.latest(given(query) as Parameters<typeof ledger.latest>[0])),
      );
    },
  }),
  route({
    path: "/prometheus",
    operationId: "prometheus",
    summary: "All meters of the process in the Prometheus text format or OpenMetrics",
    scope: "admin",
    needs: "prometheus",
    query: v.strictObject({}),
    answer: "text/plain",
    respond: prometheusAnswer,
  }),
  route({
    path: "/health/prometheus",
    operationId: "prometheusHealth",
    summary: "Whether the Prometheus exporter works, and how many meters of each kind it hands out",
    scope: "admin",
    needs: "nothing",
    query: v.strictObject({}),
    answer: schemas.prometheusHealth,
    respond: prometheusHealth,
  }),
  route({
    path: "/openapi.json",
    operationId: "openApi",
    summary: "This description",
    scope: "tenant",
    needs: "nothing",
    query: v.strictObject({}),
    answer: schemas.openApi,
    respond: ({ describe }) => describe(),
  }),
];

/** Live figures of the tenant that is asked for, or of all. */
async function pointsOf({ query, sources }: Asked<{ readonly tenant?: string | undefined }>): Promise<LivePoints> {
  return livePoints(await sources.meters(), query.tenant);
}

interface SummaryQuery {
  readonly tenant?: string | undefined;
  readonly project?: string | undefined;
  readonly employee?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly timeZone?: string | undefined;
}

async function summaryAnswer(asked: Asked<SummaryQuery>): Promise<SummaryAnswer> {
  const { query, sources, timeZone: usual } = asked;
  const { tenant: whose, project, employee } = query;
  const period = rangeOf(query, usual);
  const isOfLedger = Object.entries(query).some(([name, value]) => name !== "tenant" && value !== undefined);
  // Whoever asks for what only a ledger knows is told where there is none.
  const history =
    isOfLedger || sources.hasLedger()
      ? await sources.ledger((ledger) => ledger.summary({ ...period, ...given({ tenant: whose, project, employee }) }))
      : null;
  return {
    live: project === undefined && employee === undefined ? await liveOrNull(asked, history !== null) : null,
    history: history === null ? null : { ...period, ...history, ...callsAnswer(history) },
  };
}

/** Without live figures the ledger's are still an answer. */
async function liveOrNull(asked: Asked<SummaryQuery>, isEnough: boolean): Promise<SummaryAnswer["live"]> {
  try {
    return liveSummary(await pointsOf(asked), asked.query.tenant === undefined);
  } catch (error) {
    if (isEnough) return null;
    throw error;
  }
}
