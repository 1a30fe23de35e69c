export { health } from "./health/health.ts";
export type { Health, HealthChange, HealthOptions, HealthReport, HealthState, Readiness } from "./health/health.ts";
export type { CheckReport, HealthCheck, HealthStatus, HealthVerdict } from "./health/health-check.ts";
export { databaseCheck, modelApiCheck, redisCheck } from "./health/ready-made-checks.ts";
export type { CheckOptions, ModelApiCheckOptions, Pingable, Queryable } from "./health/ready-made-checks.ts";
export type { Answer, Mountable } from "./mountable.ts";
export type { LedgerReading, MeterPoint, MeterReading, RunningExporter, RunningSdk } from "./running-sdk.ts";
