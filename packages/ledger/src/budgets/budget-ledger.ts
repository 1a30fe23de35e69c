import type { BudgetCounters, Charge, Level } from "./budget-counters.ts";
import type { CheckedBudget } from "./budget-options.ts";
import type { LedgerStore, SumsRow, UsageFilter } from "../ledger-store.ts";
import type { Dimension } from "../rollups.ts";
import { withDeadline } from "../with-deadline.ts";

export interface LedgerOptions {
  readonly store: LedgerStore;
  /** Whether a ledger that cannot be read makes a reservation fail. Else what has been counted has to do. */
  readonly isStrict: boolean;
  /** Of a reservation; half of it is the ledger's. */
  readonly timeoutMillis: number;
  /** Told at each change. */
  readonly onState: (isReadable: boolean, reason: string) => void;
}

/** Holds counters against the ledger: at their first use, and whenever asked to. */
export interface LedgerWatch {
  readonly counters: BudgetCounters;
  /** Raises the counters of these charges, all of one budget and window. */
  reconcile(charges: readonly Charge[], onLevel: (charge: Charge, level: Level) => void): Promise<void>;
}

export function watchLedger(inner: BudgetCounters, options: LedgerOptions): LedgerWatch {
  const { store, isStrict, timeoutMillis, onState } = options;
  const seeding = new Map<string, Promise<Level>>();

  /** The sums by slice of each charge. They are of one budget and window. */
  async function read(charges: readonly Charge[], deadline: number): Promise<(charge: Charge) => Sums> {
    const [{ budget, window }] = charges as readonly [Charge];
    const boundaries = window.boundaries ?? [];
    const { filter, groupBy } = scopeOf(budget, charges);
    try {
      const rows = await withDeadline(
        store.sums({ boundaries, filter, groupBy }),
        deadline,
        `the ledger's sums for budget "${budget.name}"`,
      );
      onState(true, "");
      const nothing: Sums = new Map();
      const keyOf = (values: SumsRow["group"]): string => JSON.stringify(groupBy.map((name) => values[name]));
      const byValues = sumsByValues(rows, budget, boundaries, keyOf);
      return ({ values }) => byValues.get(keyOf(values)) ?? nothing;
    } catch (error) {
      onState(false, error instanceof Error ? error.message : String(error));
      throw error;
    }
  }

  async function seed(charge: Charge): Promise<Level> {
    let sums: Sums;
    try {
      sums = (await read([charge], timeoutMillis / 2))(charge);
    } catch (error) {
      if (isStrict) throw error;
      sums = new Map();
    }
    return inner.raise(charge, sums);
  }

  /** Once for all that wait for it. */
  function seedOnce(charge: Charge): Promise<Level> {
    const { key } = charge;
    let promise = seeding.get(key);
    if (promise === undefined) {
      promise = seed(charge).finally(() => seeding.delete(key));
      seeding.set(key, promise);
    }
    return promise;
  }

  return {
    counters: {
      ...inner,
      async reserve(id, charges) {
        for (let attempt = 1; attempt <= 3; attempt += 1) {
          const answer = await inner.reserve(id, charges);
          if (answer.unseeded.length === 0) return answer;
          await Promise.all(answer.unseeded.map((index) => seedOnce(charges[index]!)));
        }
        throw new Error("the counters are lost as soon as they are made");
      },
    },
    async reconcile(charges, onLevel) {
      const sumsOf = await read(charges, roundMillis);
      for (const charge of charges) onLevel(charge, await inner.raise(charge, sumsOf(charge)));
    },
  };
}

/** One charge: exactly its values. Several: all values of the scope that each has a budget of its own. */
function scopeOf(
  { scope }: CheckedBudget,
  charges: readonly Charge[],
): { readonly filter: UsageFilter; readonly groupBy: readonly Dimension[] } {
  const filter: Record<string, string | null> = {};
  const groupBy: Dimension[] = [];
  for (const [name, value] of Object.entries(charges[0]!.values)) {
    if (charges.length === 1 || scope[name as keyof typeof scope] !== "*") filter[name] = value;
    else groupBy.push(name as Dimension);
  }
  return { filter, groupBy };
}

function sumsByValues(
  rows: readonly SumsRow[],
  budget: CheckedBudget,
  boundaries: readonly number[],
  keyOf: (values: SumsRow["group"]) => string,
): ReadonlyMap<string, Sums> {
  const byValues = new Map<string, Map<number, bigint>>();
  for (const { period, group, sums } of rows) {
    const key = keyOf(group);
    let bySlice = byValues.get(key);
    if (bySlice === undefined) byValues.set(key, (bySlice = new Map()));
    const slice = boundaries[period]!;
    const sum = budget.unit === "nanoUsd" ? sums.costNanoUsd : BigInt(sums.inputTokens) + BigInt(sums.outputTokens);
    bySlice.set(slice, (bySlice.get(slice) ?? 0n) + sum);
  }
  return byValues;
}

/** What was used, by the slice of the window. */
type Sums = ReadonlyMap<number, bigint>;

/** Nobody waits for a round. */
const roundMillis = 30_000;
