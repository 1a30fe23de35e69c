export { health } from "./health/health.ts";
export type { Health, HealthChange, HealthOptions, HealthReport, HealthState, Readiness } from "./health/health.ts";
export type { CheckReport, HealthCheck, HealthStatus, HealthVerdict } from "./health/health-check.ts";
export { databaseCheck, modelApiCheck, redisCheck } from "./health/ready-made-checks.ts";
export type { CheckOptions, ModelApiCheckOptions, Pingable, Queryable } from "./health/ready-made-checks.ts";
export type { Answer, AskedFor, Mountable } from "./mountable.ts";
export type { LedgerReading, MeterPoint, MeterReading, RunningExporter, RunningSdk } from "./running-sdk.ts";
export { orderlyShutdown } from "./shutdown/orderly-shutdown.ts";
export type { OrderlyShutdown, ShutdownOptions, ShutdownReport } from "./shutdown/orderly-shutdown.ts";
export type { Step } from "./shutdown/steps.ts";
export { usageApi, type UsageApi } from "./usage-api/usage-api.ts";
export type { UsageApiCaller, UsageApiToken } from "./usage-api/caller.ts";
export type { UsageApiOptions } from "./usage-api/usage-api-options.ts";
export type { UsageApiProblem } from "./usage-api/problem.ts";
export type {
  ByProviderAnswer,
  CallsAnswer,
  CostAnswer,
  DurationsAnswer,
  EndedAnswer,
  ErrorsAnswer,
  LatestAnswer,
  LiveCallsAnswer,
  LiveCheckpointsAnswer,
  LiveCheckpointsTotal,
  LiveLlmAnswer,
  LiveSummaryAnswer,
  LiveWorkflowsAnswer,
  LiveWorkflowsTotal,
  OverviewAnswer,
  PrometheusHealthAnswer,
  RangeAnswer,
  RowAnswer,
  SinceAnswer,
  SummaryAnswer,
  TimelineAnswer,
  TokensAnswer,
  TopTenantsAnswer,
  UsageAnswer,
  WorkAnswer,
} from "./usage-api/answers.ts";
