import type { LedgerStore, SumsRow, TotalsRow, UsageSums } from "@meterbridge/ledger";

/** As much of a store as counters need: all-time totals that grow by one event at a time. */
export interface TotalsStore extends Pick<LedgerStore, "totals" | "tenants" | "sums" | "location"> {
  add(tenant: string, employee: string | null, kind: TotalsRow["kind"], sums?: Partial<UsageSums>): void;
  clear(): void;
  /** Rejects from then on, until it is undefined. */
  failure: Error | undefined;
  /** How often totals were asked for. */
  asked: number;
}

export function totalsStore(location = "memory"): TotalsStore {
  const rows = new Map<string, TotalsRow>();

  function grow(tenant: string, employee: string | null, kind: TotalsRow["kind"], sums: Partial<UsageSums>): void {
    const key = JSON.stringify([tenant, employee, kind]);
    const before = rows.get(key)?.sums ?? nothing;
    const one: UsageSums = { ...nothing, records: 1, events: 1, ...sums };
    const after = Object.fromEntries(
      Object.entries(before).map(([name, value]) => {
        const more = one[name as keyof UsageSums];
        return [name, typeof value === "bigint" ? value + BigInt(more) : value + Number(more)];
      }),
    );
    rows.set(key, { tenant, employee, kind, sums: after as unknown as UsageSums });
  }

  const store: TotalsStore = {
    location,
    failure: undefined,
    asked: 0,
    add(tenant, employee, kind, sums = {}) {
      grow(tenant, null, kind, sums);
      if (employee !== null) grow(tenant, employee, kind, sums);
    },
    clear: () => rows.clear(),
    async tenants() {
      if (store.failure) throw store.failure;
      return [...new Set([...rows.values()].map(({ tenant }) => tenant))].toSorted();
    },
    async totals(query) {
      store.asked += 1;
      if (store.failure) throw store.failure;
      return [...rows.values()].filter(({ tenant, employee }) =>
        "tenants" in query
          ? employee === null && query.tenants.includes(tenant)
          : query.employees.some((wanted) => wanted.tenant === tenant && wanted.employee === employee),
      );
    },
    async sums({ filter }): Promise<readonly SumsRow[]> {
      if (store.failure) throw store.failure;
      const employees = new Set(
        [...rows.values()].flatMap(({ tenant, employee }) => (tenant === filter?.tenant ? [employee] : [])),
      );
      return [...employees].map((employee) => ({ period: 0, group: { employee }, sums: nothing }));
    },
  };
  return store;
}

const nothing: UsageSums = {
  records: 0,
  events: 0,
  successes: 0,
  errors: 0,
  estimated: 0,
  unpriced: 0,
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  reasoningTokens: 0,
  costNanoUsd: 0n,
  timed: 0,
  inferenceMicros: 0,
  queueMicros: 0,
};
