import type { Budget, BudgetState, Budgets } from "@meterbridge/ledger";
import type { LedgerStore, SumsQuery, SumsRow, UsageSums } from "@meterbridge/ledger";

/** 2026-11-21 12:00 UTC, a Saturday. */
export const noon: number = Date.UTC(2026, 10, 21, 12);

export const everyTenant: Budget = {
  name: "each tenant",
  scope: { tenant: "*" },
  limit: { nanoUsd: 100n },
  window: { kind: "day" },
};

/** The state of the one budget of that name, and of that tenant if one is given. */
export function stateOf(budgets: Budgets, name: string, tenant?: string): BudgetState {
  const found = budgets
    .state()
    .filter(({ budget, scope }) => budget === name && (tenant === undefined || scope.tenant === tenant));
  if (found.length !== 1) throw new Error(`${found.length} states of ${name}`);
  return found[0]!;
}

export interface SpentRow {
  readonly at: number;
  readonly tenant: string;
  readonly nanoUsd: bigint;
}

/** The part of a store that budgets read, over rows that a test adds; it can be made to fail or hang. */
export function spentLedger(): LedgerStore & { rows: SpentRow[]; trouble: "none" | "fails" | "hangs"; reads: number } {
  const ledger = {
    rows: [] as SpentRow[],
    trouble: "none" as "none" | "fails" | "hangs",
    reads: 0,
    async sums({ boundaries, filter, groupBy = [] }: SumsQuery): Promise<readonly SumsRow[]> {
      ledger.reads += 1;
      if (ledger.trouble === "fails") throw new Error("no such table");
      if (ledger.trouble === "hangs") return new Promise(() => {});
      const found: SumsRow[] = [];
      for (const { at, tenant, nanoUsd } of ledger.rows) {
        const period = boundaries.findLastIndex((boundary) => boundary <= at);
        if (period < 0 || period === boundaries.length - 1) continue;
        if (filter?.tenant !== undefined && filter.tenant !== tenant) continue;
        const sums = { costNanoUsd: nanoUsd, inputTokens: 0, outputTokens: 0 } as UsageSums;
        found.push({ period, group: groupBy.includes("tenant") ? { tenant } : {}, sums });
      }
      return found;
    },
  };
  return ledger as unknown as ReturnType<typeof spentLedger>;
}
