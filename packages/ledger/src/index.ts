export type { AuditCounters, TenantCounters } from "./audit-counters.ts";
export type { MeterTotals } from "./audit-meters.ts";
export { audit, type AuditDifference, type AuditOptions, type AuditResult } from "./audit.ts";
export type { BudgetsOptions } from "./budget-options.ts";
export type {
  Budget,
  BudgetAmount,
  BudgetLimit,
  BudgetScope,
  Budgets,
  BudgetState,
  BudgetWindow,
  Reservation,
  ReserveRequest,
} from "./budget.ts";
export { createBudgets } from "./budgets.ts";
export { calendarOf, type Calendar, type CalendarUnit } from "./calendar.ts";
export type { DeliveryCounts, StoreState } from "./delivery.ts";
export { exportRows, type ExportOptions } from "./export-rows.ts";
export { ledgerError, ledgerErrorReason, type LedgerErrorReason, type LedgerStoreError } from "./ledger-error.ts";
export type { LedgerCounters, LedgerOptions } from "./ledger-options.ts";
export type { LedgerRow, UsageKind } from "./ledger-row.ts";
export type {
  AppendResult,
  LedgerStore,
  RecountQuery,
  RollupDifference,
  RowsQuery,
  SumsQuery,
  SumsRow,
  TotalsQuery,
  TotalsRow,
  UsageFilter,
  UsageSums,
} from "./ledger-store.ts";
export { createLedger, type Ledger, type LedgerStatus } from "./ledger.ts";
export { openLedger, type OpenedLedger, type OpenLedgerOptions, type RedisParts } from "./open-ledger.ts";
export { readAnthropicCosts, readOpenAiCosts, type BillLine, type ProviderBill } from "./provider-bills.ts";
export { isQueryError } from "./query-error.ts";
export type { CallFigures, TokenFigures, WorkFigures } from "./query-figures.ts";
export type { LatestPage, LatestRow } from "./query-latest.ts";
export { nanoUsdOf, usdText } from "./query-money.ts";
export {
  checkQueryParameters,
  type ErrorsParameters,
  type LatestParameters,
  type OverviewParameters,
  type QueryMoment,
  type QueryParameters,
  type QueryRange,
  type QueryScope,
  type SummaryParameters,
  type TimelineParameters,
  type TopTenantsParameters,
  type UsageParameters,
} from "./query-parameters.ts";
export type { ErrorGroup, ModelUsage, TenantUsage, UsageErrors, UsageSummary } from "./query-summary.ts";
export type { TimelinePeriod, UsageOverview } from "./query-timeline.ts";
export type { WorkUsage } from "./query-usage.ts";
export type { ProofWindow } from "./query-window.ts";
export { reconcile, type ReconciledFigures, type ReconcileOptions, type Reconciliation } from "./reconcile.ts";
export { reprice, type RepriceOptions, type RepriceResult } from "./reprice.ts";
export { dimensions, type Dimension } from "./rollups.ts";
export { openSpool, type Adoption, type Spool, type SpoolOptions, type SpoolSize, type WaitingBatch } from "./spool.ts";
export { sqliteStore, type SqliteStoreOptions } from "./sqlite-store.ts";
export type { Tally } from "./tally.ts";
export { usageQueries, type UsageQueries, type UsageQueriesOptions } from "./usage-queries.ts";
