import type { BudgetState } from "./budget.ts";
import type { Charge, Level } from "./budget-counters.ts";
import { movedTo } from "./budget-window.ts";

/** What this process last saw of each budget that it used. */
export interface BudgetLevels {
  see(charge: Charge, level: Level): void;
  lastSeen(charge: Charge): Level | undefined;
  /** Those whose window is not over, with the window of that moment; older ones are forgotten. */
  charges(moment: number): readonly Charge[];
  states(moment: number): readonly BudgetState[];
}

export function budgetLevels(peek: ((charge: Charge) => Level) | undefined): BudgetLevels {
  const known = new Map<string, { charge: Charge; level: Level }>();

  return {
    see(charge, level) {
      const entry = known.get(charge.key);
      if (entry === undefined) known.set(charge.key, { charge, level });
      // A settlement tells of the moment of its reservation.
      else if (entry.charge.window.slice <= charge.window.slice) Object.assign(entry, { charge, level });
    },

    lastSeen: ({ key }) => known.get(key)?.level,

    charges(moment) {
      const charges: Charge[] = [];
      for (const [key, { charge }] of known) {
        const { end, oldest, isRolling } = charge.window;
        const isAlive = (isRolling ? end + (end - oldest) : end) > moment;
        if (isAlive) charges.push({ ...charge, window: movedTo(moment, charge.window, charge.budget.window) });
        else known.delete(key);
      }
      return charges;
    },

    states(moment) {
      return this.charges(moment).map((charge) => {
        const { budget, values, window, limit } = charge;
        const { used, reserved } = peek?.(charge) ?? known.get(charge.key)!.level;
        return {
          budget: budget.name,
          scope: values,
          unit: budget.unit,
          limit,
          used,
          reserved,
          windowStart: new Date(window.oldest),
          windowEnd: window.isRolling ? undefined : new Date(window.end),
        };
      });
    },
  };
}
