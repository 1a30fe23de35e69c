import type { AuditDifference } from "./audit.ts";
import type { LedgerStore } from "../ledger-store.ts";
import { totalsFromStore, type UsageTotals } from "../redis/hot-counter-totals.ts";

/** Where a tenant's hot counters are read: those of `createHotCounters`, or any other. */
export interface AuditCounters {
  read(tenant: string): Promise<TenantCounters>;
}

/** What is counted for a tenant, for all time. */
export type TenantCounters = Pick<UsageTotals, (typeof names)[number]> & {
  /** `store` when the counters did not answer and the ledger did instead. */
  readonly source?: "redis" | "store";
};

export async function counterDifferences(
  store: LedgerStore,
  tenants: readonly string[],
  counters: AuditCounters,
): Promise<AuditDifference[]> {
  const differences: AuditDifference[] = [];
  for (const tenant of tenants) differences.push(...(await ofTenant(store, tenant, counters)));
  return differences;
}

/**
 * Counters are written after the rows, so they are looked at again. Of a tenant at work, a counter has to lie between what the
 * ledger said before the pause and what it says now.
 */
async function ofTenant(store: LedgerStore, tenant: string, counters: AuditCounters): Promise<AuditDifference[]> {
  let before = await expectedOf(store, tenant);
  for (let attempt = 1; ; attempt++) {
    const counted = await counters.read(tenant);
    const after = await expectedOf(store, tenant);
    const differences = compared(tenant, before, after, counted);
    if (differences.length === 0 || attempt === attempts) return differences;
    before = after;
    await new Promise((resolve) => setTimeout(resolve, pauseMillis));
  }
}

async function expectedOf(store: LedgerStore, tenant: string): Promise<TenantCounters> {
  return (await totalsFromStore(store, { tenant, employee: null })).totals;
}

function compared(
  tenant: string,
  before: TenantCounters,
  after: TenantCounters,
  counted: TenantCounters,
): AuditDifference[] {
  if (counted.source === "store") {
    const what = `the counters of tenant ${JSON.stringify(tenant)} did not answer, so they are not compared with the ledger`;
    return [{ what, between: "ledger and counter", tenant, ledger: after.tokens, found: null }];
  }
  return names
    .filter((name) => !(counted[name] >= before[name] && counted[name] <= after[name]))
    .map((name) => ({
      what: `counter ${name} of tenant ${JSON.stringify(tenant)} is ${counted[name]}, and the ledger says ${after[name]}`,
      between: "ledger and counter",
      tenant,
      ledger: after[name],
      found: counted[name],
    }));
}

const names = ["tasks", "tokens", "errors", "toolCalls", "durationMs"] as const;
const attempts = 3;
const pauseMillis = 100;
