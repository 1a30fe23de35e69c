import type { CheckedBudget } from "./budget-options.ts";
import type { WindowAt } from "./budget-window.ts";

/** One reservation's part in one budget. */
export interface Charge {
  readonly budget: CheckedBudget;
  /** The values of the budget's scope. */
  readonly values: Readonly<Record<string, string | null>>;
  /** What it shares a Redis slot with. */
  readonly tag: string;
  /** Of the counters: the budget, its values, its window. */
  readonly key: string;
  readonly window: WindowAt;
  readonly limit: bigint;
  readonly estimate: bigint;
}

export interface Level {
  readonly used: bigint;
  readonly reserved: bigint;
  /** Leases that were found to have run out. */
  readonly expired: number;
}

export interface ReserveAnswer {
  /** The index of the charge that did not fit; undefined when all did. */
  readonly refused: number | undefined;
  /** The charges whose counters have not been held against the ledger. Not empty: nothing was reserved. */
  readonly unseeded: readonly number[];
  /** By charge; undefined where an earlier one decided. */
  readonly levels: readonly (Level | undefined)[];
}

/** Where budgets are counted. Amounts are integers. */
export interface BudgetCounters {
  /** All or nothing. */
  reserve(id: string, charges: readonly Charge[]): Promise<ReserveAnswer>;
  /**
   * Gives back what is still reserved under the id, and adds the actual amounts, or null to add none. A reservation that is
   * not known, or has run out, counts all the same.
   */
  settle(id: string, charges: readonly Charge[], actual: readonly bigint[] | null): Promise<readonly Level[]>;
  /**
   * Raises what was used to the sum of these, where it is less, and marks the counters as held against the ledger. Nothing:
   * tells only.
   */
  raise(charge: Charge, sums: ReadonlyMap<number, bigint> | undefined): Promise<Level>;
  /** What it is now, where that is known without asking anybody. */
  peek?(charge: Charge): Level;
}

/** Whether the amount does not fit. Where nothing is left, not even an unknown amount does. */
export function isTooMuch(taken: bigint, amount: bigint, limit: bigint): boolean {
  return taken + amount > limit || taken >= limit;
}
