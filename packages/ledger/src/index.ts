export type { AuditCounters, TenantCounters } from "./proof/audit-counters.ts";
export type { MeterTotals } from "./proof/audit-meters.ts";
export { audit, type AuditDifference, type AuditOptions, type AuditResult } from "./proof/audit.ts";
export type { BudgetsOptions } from "./budgets/budget-options.ts";
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
} from "./budgets/budget.ts";
export { createBudgets } from "./budgets/budgets.ts";
export { calendarOf, type Calendar, type CalendarUnit } from "./queries/calendar.ts";
export type { DeliveryCounts, StoreState } from "./delivery-counts.ts";
export { exportRows, type ExportOptions } from "./proof/export-rows.ts";
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
export { readAnthropicCosts, readOpenAiCosts, type BillLine, type ProviderBill } from "./proof/provider-bills.ts";
export { isQueryError } from "./queries/query-error.ts";
export type { CallFigures, TokenFigures, WorkFigures } from "./queries/query-figures.ts";
export type { LatestPage, LatestRow } from "./queries/query-latest.ts";
export { nanoUsdOf, usdText } from "./queries/query-money.ts";
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
} from "./queries/query-parameters.ts";
export type { ErrorGroup, ModelUsage, TenantUsage, UsageErrors, UsageSummary } from "./queries/query-summary.ts";
export type { TimelinePeriod, UsageOverview } from "./queries/query-timeline.ts";
export type { WorkUsage } from "./queries/query-usage.ts";
export type { ProofWindow } from "./queries/query-window.ts";
export { reconcile, type ReconciledFigures, type ReconcileOptions, type Reconciliation } from "./proof/reconcile.ts";
export { reprice, type RepriceOptions, type RepriceResult } from "./proof/reprice.ts";
export { dimensions, type Dimension } from "./rollups.ts";
export {
  openSpool,
  type Adoption,
  type Spool,
  type SpoolOptions,
  type SpoolSize,
  type WaitingBatch,
} from "./spool/spool.ts";
export { sqliteStore, type SqliteStoreOptions } from "./sqlite/sqlite-store.ts";
export type { Tally } from "./spool/tally.ts";
export { usageQueries, type UsageQueries, type UsageQueriesOptions } from "./queries/usage-queries.ts";
