import * as v from "valibot";
import type * as answers from "./answers.ts";

// Schemas of the answers: they hold each to its type, and the OpenAPI description is made of them.

const whole = v.pipe(v.number(), v.integer());
const text = v.string();
const maybe = { number: v.nullable(v.number()), whole: v.nullable(whole), text: v.nullable(v.string()) };
const ratio = v.pipe(maybe.number, v.description("From 0 to 1; null where there was nothing."));
const nanoUsd = v.pipe(v.string(), v.regex(/^-?\d+$/), v.description("Nano-US-dollars, exact."));
const usd = v.pipe(v.string(), v.regex(/^-?\d+\.\d{9}$/), v.description("US dollars with nine digits, exact."));
const date = v.pipe(v.string(), v.regex(/^\d{4}-\d\d-\d\d$/), v.description("A local date."));
const time = v.pipe(v.string(), v.isoTimestamp(), v.description("UTC."));
const since = v.pipe(time, v.description("When the process began, and with it the figures."));

const cost = { costNanoUsd: nanoUsd, costUsd: usd };
const range = { from: text, to: text, timeZone: text };
const tokens = v.strictObject({
  input: v.pipe(v.number(), v.description("With those read from a cache.")),
  output: v.pipe(v.number(), v.description("With reasoning.")),
  cacheRead: v.number(),
  cacheWrite: v.number(),
  reasoning: v.number(),
  total: v.pipe(v.number(), v.description("Input and output.")),
});
const unpriced = v.pipe(whole, v.description("Calls whose cost is not known, and not in the sum."));
const calls = {
  calls: whole,
  tokens,
  ...cost,
  unpriced,
  estimated: v.pipe(whole, v.description("Calls whose tokens or cost are estimates.")),
  averageInferenceMs: maybe.number,
  successRate: ratio,
};
const work = {
  tasks: whole,
  durationMs: v.number(),
  averageDurationMs: maybe.number,
  tokens: v.number(),
  toolCalls: whole,
  errors: whole,
  successRatio: ratio,
  ...cost,
};
const ended = { completed: v.number(), failed: v.number(), cancelled: v.number(), total: v.number() };
const workflows = {
  created: v.number(),
  active: v.number(),
  executions: v.strictObject(ended),
  averageDurationSeconds: maybe.number,
};
const liveCalls = {
  requests: v.strictObject(ended),
  tokens,
  ...cost,
  unpriced: v.pipe(v.number(), v.description("Calls whose cost is not known, and not in the sum.")),
};
const duration = v.strictObject({
  count: v.number(),
  sumSeconds: v.number(),
  averageSeconds: maybe.number,
  p50Seconds: v.pipe(maybe.number, v.description("Estimated from the buckets.")),
  p95Seconds: v.pipe(maybe.number, v.description("Estimated from the buckets.")),
  buckets: v.array(
    v.strictObject({
      upToSeconds: v.pipe(maybe.number, v.description("Null: longer than all.")),
      count: v.number(),
    }),
  ),
});
const checkpoints = { created: v.number(), approved: v.number(), rejected: v.number(), expired: v.number() };
const providerAndModel = { provider: maybe.text, model: maybe.text };
const kind = v.picklist(["llm_call", "task", "tool_call"]);

export const liveWorkflows: v.GenericSchema<answers.LiveWorkflowsAnswer> = v.strictObject({
  since,
  ...workflows,
  workflows: v.array(v.strictObject({ workflow: text, ...workflows })),
});

export const liveLlm: v.GenericSchema<answers.LiveLlmAnswer> = v.strictObject({
  since,
  ...liveCalls,
  duration,
  models: v.array(v.strictObject({ ...providerAndModel, ...liveCalls, duration })),
});

export const liveCheckpoints: v.GenericSchema<answers.LiveCheckpointsAnswer> = v.strictObject({
  since,
  ...checkpoints,
  checkpoints: v.array(v.strictObject({ checkpoint: maybe.text, ...checkpoints })),
});

export const summary: v.GenericSchema<answers.SummaryAnswer> = v.strictObject({
  live: v.pipe(
    v.nullable(
      v.strictObject({
        since,
        workflows: v.strictObject(workflows),
        llm: v.strictObject({ ...liveCalls, averageDurationSeconds: maybe.number }),
        tasks: v.strictObject({ ...ended, successRatio: ratio }),
        toolCalls: v.strictObject(ended),
        checkpoints: v.strictObject(checkpoints),
        webhooks: v.strictObject(ended),
        activeUsers: v.pipe(
          v.nullable(v.record(v.string(), v.number())),
          v.description("Distinct users by window (5m, 1h, 1d), of all tenants together: null for one tenant."),
        ),
      }),
    ),
    v.description("Since the process began. Null where asked by project or employee, or where meters cannot be read."),
  ),
  history: v.pipe(
    v.nullable(v.strictObject({ ...range, ...calls, tasks: whole, toolCalls: whole })),
    v.description("By the ledger, for the range. Null where no ledger is kept."),
  ),
});

export const byProvider: v.GenericSchema<answers.ByProviderAnswer> = v.strictObject({
  ...range,
  models: v.pipe(v.array(v.strictObject({ ...providerAndModel, ...calls })), v.description("Most expensive first.")),
});

export const timeline: v.GenericSchema<answers.TimelineAnswer> = v.strictObject({
  step: v.picklist(["hour", "day", "week"]),
  days: whole,
  timeZone: text,
  periods: v.pipe(
    v.array(v.strictObject({ from: time, to: time, date, ...calls })),
    v.description("Oldest first, empty ones too; the last is running."),
  ),
});

export const overview: v.GenericSchema<answers.OverviewAnswer> = v.strictObject({
  timeZone: text,
  projects: v.pipe(whole, v.description("Projects in which something was recorded this month.")),
  today: v.strictObject({ date, ...calls }),
  month: v.strictObject({ from: date, ...calls }),
});

export const usage: v.GenericSchema<answers.UsageAnswer> = v.strictObject({
  year: whole,
  month: maybe.whole,
  timeZone: text,
  summary: v.strictObject({
    tenants: v.array(v.strictObject({ tenant: text, ...work })),
    employees: v.array(v.strictObject({ tenant: text, employee: maybe.text, ...work })),
  }),
  daily: v.pipe(
    v.nullable(v.array(v.strictObject({ day: date, tenant: text, employee: maybe.text, ...work }))),
    v.description("A row for each day, tenant and employee; null where it was not asked for."),
  ),
});

export const topTenants: v.GenericSchema<answers.TopTenantsAnswer> = v.strictObject({
  ...range,
  by: v.picklist(["cost", "tokens", "calls"]),
  tenants: v.array(v.strictObject({ tenant: text, ...calls })),
});

export const errors: v.GenericSchema<answers.ErrorsAnswer> = v.strictObject({
  ...range,
  events: whole,
  errors: whole,
  successRatio: ratio,
  groups: v.array(v.strictObject({ kind, ...providerAndModel, events: whole, errors: whole, successRatio: ratio })),
});

export const latest: v.GenericSchema<answers.LatestAnswer> = v.strictObject({
  rows: v.pipe(
    v.array(
      v.strictObject({
        eventId: text,
        occurredAt: time,
        kind,
        tenant: text,
        employee: maybe.text,
        project: maybe.text,
        process: maybe.text,
        execution: maybe.text,
        user: maybe.text,
        ...providerAndModel,
        responseModel: v.pipe(maybe.text, v.description("The model that answered, as the provider names it.")),
        serviceTier: v.pipe(maybe.text, v.description("The service tier that served the call.")),
        name: maybe.text,
        promptTokens: maybe.number,
        completionTokens: maybe.number,
        cacheReadTokens: maybe.number,
        cacheWriteTokens: maybe.number,
        reasoningTokens: maybe.number,
        totalTokens: maybe.number,
        costNanoUsd: v.nullable(nanoUsd),
        costUsd: v.nullable(usd),
        costStatus: v.picklist(["priced", "provider", "estimated", "unpriced", "none"]),
        inferenceMs: maybe.number,
        queueMs: maybe.number,
        isSuccess: v.boolean(),
        errorType: maybe.text,
        attempts: whole,
        corrects: v.pipe(maybe.text, v.description("The event that this row corrects; it is no event of its own.")),
      }),
    ),
    v.description("Newest first."),
  ),
  cursor: v.pipe(maybe.text, v.description("Give it back for the next page; null: this was the last.")),
});

export const prometheusHealth: v.GenericSchema<answers.PrometheusHealthAnswer> = v.strictObject({
  status: v.pipe(
    v.picklist(["healthy", "degraded", "disabled"]),
    v.description("Disabled: no Prometheus exporter runs in this process."),
  ),
  enabled: v.boolean(),
  namespace: text,
  counters: whole,
  gauges: whole,
  histograms: whole,
  series: whole,
  keptLabelBytes: v.exactOptional(
    v.pipe(
      whole,
      v.description("Bytes of rendered labels that are kept for the next scrape, where the exporter tells."),
    ),
  ),
  lastScrape: v.exactOptional(time),
  lastError: v.exactOptional(text),
});

export const openApi: v.GenericSchema<object> = v.looseObject({ openapi: text });
