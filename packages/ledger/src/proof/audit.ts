import { counterDifferences, type AuditCounters } from "./audit-counters.ts";
import { meterDifferences, type MeterTotals } from "./audit-meters.ts";
import { rollupDifferences } from "./audit-rollups.ts";
import type { LedgerStore } from "../ledger-store.ts";
import { queryError } from "../queries/query-error.ts";
import { refuseForgotten, windowOf, tenantsOf, type ProofWindow } from "../queries/query-window.ts";

/** The window is of whole UTC days. */
export interface AuditOptions extends ProofWindow {
  /** Totals of the window as a metrics backend tells them, each of which the ledger has to agree with. */
  readonly meters?: readonly MeterTotals[];
  /** Hot counters, which count for all time. */
  readonly counters?: AuditCounters;
}

export interface AuditResult {
  readonly clean: boolean;
  readonly differences: readonly AuditDifference[];
  /** How much was compared. */
  readonly checked: {
    readonly days: number;
    readonly tenants: number;
    /** Rows in the window, by the rollups. */
    readonly rows: number;
    readonly counters: number;
    readonly meters: number;
  };
}

export interface AuditDifference {
  /** One sentence with both numbers. */
  readonly what: string;
  readonly between: "rows and rollup" | "ledger and counter" | "ledger and meter";
  readonly tenant: string | null;
  readonly ledger: bigint | number;
  /** What the rollup, the counter or the meter says. */
  readonly found: bigint | number | null;
}

/**
 * Proves that rows, rollups, hot counters and meters tell the same, or names each difference. Rows are added up anew, so this
 * takes its time with the window; it may be run while the ledger is written.
 * @throws RangeError when the window is not of whole UTC days, or begins before what retention has kept.
 */
export async function audit(store: LedgerStore, options: AuditOptions): Promise<AuditResult> {
  const { tenant, counters, meters = [] } = options;
  const range = await windowOf("audit", store, options);
  const { from, to } = range;
  if (from % day !== 0 || to % day !== 0) {
    throw queryError(
      "audit: from and to must be whole UTC days, as 2026-11-01 and 2026-11-30, since days are what is compared",
    );
  }
  const filter = tenant === undefined ? {} : { tenant };
  const tenants = await tenantsOf(store, tenant);
  const recounted = await store.recount({ from, to, ...filter });
  await refuseForgotten("audit", store, range);
  const differences = [
    ...rollupDifferences(recounted),
    ...(counters === undefined ? [] : await counterDifferences(store, tenants, counters)),
    ...(meters.length === 0 ? [] : await meterDifferences(store, { from, to }, tenant, meters)),
  ];
  const [all] = await store.sums({ boundaries: [from, to], filter });
  return {
    clean: differences.length === 0,
    differences,
    checked: {
      days: (to - from) / day,
      tenants: tenants.length,
      rows: all?.sums.records ?? 0,
      counters: counters === undefined ? 0 : tenants.length,
      meters: meters.length,
    },
  };
}

const day = 24 * 60 * 60_000;
