import type { AuditDifference } from "./audit.ts";
import type { LedgerStore } from "./ledger-store.ts";
import { workFigures, type SumsByKind } from "./query-figures.ts";

/** Where a tenant's hot counters are read: those of `redis`, or any other. */
export interface AuditCounters {
  read(tenant: string): Promise<TenantCounters>;
}

/** What is counted for a tenant, for all time. */
export interface TenantCounters {
  readonly tasks: number;
  /** Input and output tokens. */
  readonly tokens: number;
  /** Tasks that failed. */
  readonly errors: number;
  readonly toolCalls: number;
  /** Of tasks, in milliseconds. */
  readonly durationMs: number;
}

/** What a tenant's counters ought to show: the definition that counters and audit share. */
export function countersOf(sums: SumsByKind): TenantCounters {
  const { tasks, tokens, errors, toolCalls, durationMs } = workFigures(sums);
  return { tasks, tokens, errors, toolCalls, durationMs };
}

export async function counterDifferences(
  store: LedgerStore,
  tenants: readonly string[],
  counters: AuditCounters,
): Promise<AuditDifference[]> {
  const differences: AuditDifference[] = [];
  for (const tenant of tenants) differences.push(...(await ofTenant(store, tenant, counters)));
  return differences;
}

/** A counter is written after the row, so a tenant at work is looked at again until nothing came between. */
async function ofTenant(store: LedgerStore, tenant: string, counters: AuditCounters): Promise<AuditDifference[]> {
  let expected = await expectedOf(store, tenant);
  let differences: AuditDifference[] = [];
  for (let attempt = 0; attempt < attempts; attempt++) {
    differences = compared(tenant, expected, await counters.read(tenant));
    const after = await expectedOf(store, tenant);
    const isQuiet = names.every((name) => after[name] === expected[name]);
    if (differences.length === 0 || (isQuiet && attempt > 0)) break;
    expected = after;
    await new Promise((resolve) => setTimeout(resolve, pauseMillis));
  }
  return differences;
}

async function expectedOf(store: LedgerStore, tenant: string): Promise<TenantCounters> {
  const rows = await store.totals({ tenants: [tenant] });
  return countersOf(Object.fromEntries(rows.map(({ kind, sums }) => [kind, sums])));
}

function compared(tenant: string, expected: TenantCounters, counted: TenantCounters): AuditDifference[] {
  return names
    .filter((name) => Math.abs(counted[name] - expected[name]) >= (name === "durationMs" ? 1 : 0.5))
    .map((name) => ({
      what: `counter ${name} of tenant ${JSON.stringify(tenant)} is ${counted[name]}, and the ledger says ${expected[name]}`,
      between: "ledger and counter",
      tenant,
      ledger: expected[name],
      found: counted[name],
    }));
}

const names = ["tasks", "tokens", "errors", "toolCalls", "durationMs"] as const;
const attempts = 5;
const pauseMillis = 100;
