import type { Budget, BudgetState, Budgets, LedgerStore } from "@meterbridge/ledger";
import { ledgerRow, memoryStore } from "@meterbridge/testkit";

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

/** A store with rows that a test adds; it can be made to fail or hang. */
export interface SpentLedger extends LedgerStore {
  readonly spent: SpentRow[];
  trouble: "none" | "fails" | "hangs";
}

export function spentLedger(): SpentLedger {
  const store = memoryStore();
  void store.open();
  const ledger: SpentLedger = {
    ...store,
    spent: [],
    trouble: "none",
    async sums(query) {
      if (ledger.trouble === "fails") throw new Error("no such table");
      if (ledger.trouble === "hangs") return new Promise(() => {});
      const rows = ledger.spent.splice(0).map(({ at, tenant, nanoUsd }) => {
        return ledgerRow({ occurredAt: at, tenant, costNanoUsd: nanoUsd });
      });
      if (rows.length > 0) await store.append(rows);
      return store.sums(query);
    },
  };
  return ledger;
}
