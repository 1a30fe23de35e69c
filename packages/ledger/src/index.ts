export { ledgerError, ledgerErrorReason, type LedgerErrorReason, type LedgerStoreError } from "./ledger-error.ts";
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
export { dimensions, type Dimension } from "./rollups.ts";
