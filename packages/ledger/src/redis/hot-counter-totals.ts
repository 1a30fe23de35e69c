import type { CounterOwner } from "./hot-counter-keys.ts";
import type { LedgerStore, TotalsRow } from "../ledger-store.ts";

/** All-time totals of a tenant or an employee. */
export interface UsageTotals {
  /** Events of kind `task`. */
  readonly tasks: number;
  /** Input and output tokens of all kinds. */
  readonly tokens: number;
  /** What tasks took, in whole milliseconds. */
  readonly durationMs: number;
  /** Events of all kinds that failed. */
  readonly errors: number;
  readonly toolCalls: number;
  readonly llmCalls: number;
  readonly costNanoUsd: bigint;
}

export interface OwnerTotals {
  readonly owner: CounterOwner;
  /** How many rows went into it: rows are never taken back, so the larger number is the newer state. */
  readonly records: number;
  readonly totals: UsageTotals;
}

/** One for each tenant or employee among the rows, which come by kind. */
export function ownerTotals(rows: readonly TotalsRow[]): readonly OwnerTotals[] {
  const byOwner = Map.groupBy(rows, ({ tenant, employee }) => JSON.stringify([tenant, employee]));
  return [...byOwner.values()].map((ofOwner) => {
    const [{ tenant, employee }] = ofOwner as [TotalsRow, ...TotalsRow[]];
    return { owner: { tenant, employee }, records: sum(ofOwner, "records"), totals: totalsOf(ofOwner) };
  });
}

/** The same from the store, one owner; zeros where it knows of none. */
export async function totalsFromStore(
  store: Pick<LedgerStore, "totals">,
  { tenant, employee }: CounterOwner,
): Promise<{ readonly totals: UsageTotals; readonly isKnown: boolean }> {
  const rows = await store.totals(employee === null ? { tenants: [tenant] } : { employees: [{ tenant, employee }] });
  return { totals: totalsOf(rows), isKnown: rows.length > 0 };
}

function totalsOf(rows: readonly TotalsRow[]): UsageTotals {
  const tasks = rows.filter(({ kind }) => kind === "task");
  return {
    tasks: sum(tasks, "events"),
    tokens: sum(rows, "inputTokens") + sum(rows, "outputTokens"),
    durationMs: Math.round(sum(tasks, "inferenceMicros") / 1000),
    errors: sum(rows, "errors"),
    toolCalls: eventsOf(rows, "tool_call"),
    llmCalls: eventsOf(rows, "llm_call"),
    costNanoUsd: rows.reduce((total, { sums }) => total + sums.costNanoUsd, 0n),
  };
}

function eventsOf(rows: readonly TotalsRow[], wanted: TotalsRow["kind"]): number {
  return sum(
    rows.filter(({ kind }) => kind === wanted),
    "events",
  );
}

function sum(
  rows: readonly TotalsRow[],
  column: "records" | "events" | "errors" | "inputTokens" | "outputTokens" | "inferenceMicros",
): number {
  return rows.reduce((total, { sums }) => total + sums[column], 0);
}
