import type { CounterOwner } from "./hot-counter-keys.ts";
import type { Owners } from "./counter-sync-touched.ts";
import type { HotCounters } from "./hot-counters.ts";
import type { LedgerStore, TotalsRow } from "../ledger-store.ts";
import { describe } from "./redis-error.ts";

/** Reads totals from the store and sets the counters to them. */
export interface CounterRefresh {
  some(owners: Owners): Promise<void>;
  /** Goes on for as long as it is wanted. */
  all(isWanted: () => boolean): Promise<void>;
}

/** `warn` is told once of each tenant whose counters Redis refuses. */
export function createCounterRefresh(
  store: Pick<LedgerStore, "totals" | "tenants" | "sums">,
  counters: Pick<HotCounters, "apply">,
  warn: (message: string) => void,
): CounterRefresh {
  const told = new Set<string>();

  async function refresh(read: () => Promise<readonly TotalsRow[]>): Promise<void> {
    const { ahead, refused } = await counters.apply(await read());
    for (const [tenant, error] of refused) {
      if (told.has(tenant) || told.size >= refusalsTold) continue;
      told.add(tenant);
      warn(`the hot counters of tenant ${JSON.stringify(tenant)} are left as they are: ${describe(error)}`);
    }
    if (ahead.length === 0) return;
    // Usually another process was faster. But a store that, asked again, still has fewer rows than it once had was restored.
    const isAhead = new Set(ahead.map(({ owner }) => ownerName(owner)));
    const again = await read();
    await counters.apply(
      again.filter((row) => isAhead.has(ownerName(row))),
      ahead,
    );
  }

  async function tenants(names: readonly string[]): Promise<void> {
    for (const chunk of chunksOf(names)) {
      await refresh(() => store.totals({ tenants: chunk }));
    }
  }

  async function employees(owners: readonly { readonly tenant: string; readonly employee: string }[]): Promise<void> {
    for (const chunk of chunksOf(owners)) {
      await refresh(() => store.totals({ employees: chunk }));
    }
  }

  return {
    async some(owners) {
      await tenants([...owners.keys()]);
      await employees(
        [...owners].flatMap(([tenant, ofTenant]) => [...ofTenant].map((employee) => ({ tenant, employee }))),
      );
    },
    async all(isWanted) {
      const names = await store.tenants();
      await tenants(names);
      for (const tenant of names) {
        if (!isWanted()) return;
        const found = await store.sums({ boundaries: allTime, filter: { tenant }, groupBy: ["employee"] });
        await employees(
          found.flatMap(({ group: { employee } }) => (typeof employee === "string" ? [{ tenant, employee }] : [])),
        );
      }
    },
  };
}

const ownersAtOnce = 500;
const refusalsTold = 100;
/** Whole days, so that the coarsest rollup answers. The ledger takes events of the years 2000 to 2099. */
const allTime = [0, Date.UTC(2101, 0)];

function ownerName({ tenant, employee }: CounterOwner): string {
  return JSON.stringify([tenant, employee]);
}

function chunksOf<Item>(items: readonly Item[]): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / ownersAtOnce) }, (_, index) =>
    items.slice(index * ownersAtOnce, (index + 1) * ownersAtOnce),
  );
}
