import type { BudgetCounters, Charge, Level, ReserveAnswer } from "./budget-counters.ts";
import { memoryCounters } from "./budget-memory.ts";
import { ledgerErrorReason } from "../ledger-error.ts";
import { withDeadline } from "../with-deadline.ts";

export interface OutageOptions {
  readonly counters: BudgetCounters;
  readonly mode: "local-share" | "fail-open" | "fail-closed";
  readonly instances: number;
  readonly leaseMillis: number;
  readonly timeoutMillis: number;
  readonly now: () => number;
  /** What the counters last said. */
  readonly lastSeen: (charge: Charge) => Level | undefined;
  readonly warn: (message: string) => void;
}

export interface SafeAnswer extends ReserveAnswer {
  /** Undefined: the counters themselves have answered. */
  readonly how: "failed_open" | "failed_closed" | "local_share" | undefined;
}

/** Counters that never fail and never hang: what they cannot deliver waits until they can. */
export interface SafeCounters {
  reserve(id: string, charges: readonly Charge[]): Promise<SafeAnswer>;
  /** Resolves when it is delivered, or waits. Undefined: it waits. */
  settle(
    id: string,
    charges: readonly Charge[],
    actual: readonly bigint[] | null,
  ): Promise<readonly Level[] | undefined>;
  releaseLater(id: string, charges: readonly Charge[]): void;
  /** Tries to deliver what waits. */
  deliver(): Promise<void>;
  readonly waiting: number;
}

export function safeCounters(options: OutageOptions): SafeCounters {
  const { counters, mode, instances, leaseMillis, timeoutMillis, now, lastSeen, warn } = options;
  const waiting = new Map<string, Settlement>();
  let share: Share | undefined;
  let delivering: Promise<void> | undefined;

  /** The charge with what this process may spend while the counters are gone: its part of what was left. */
  function shareOf(charge: Charge, { limits }: Share): Charge {
    let limit = limits.get(charge.key);
    if (limit === undefined) {
      const { used, reserved } = lastSeen(charge) ?? { used: 0n, reserved: 0n };
      const left = charge.limit - used - reserved;
      limit = left > 0n ? left / BigInt(instances) : 0n;
      limits.set(charge.key, limit);
    }
    return { ...charge, limit };
  }

  function wait(id: string, charges: readonly Charge[], actual: readonly bigint[] | null): void {
    waiting.set(id, { charges, actual });
    if (waiting.size <= mostWaiting) return;
    const [oldest] = waiting.keys();
    waiting.delete(oldest!);
    warn(`more than ${mostWaiting} settlements wait for Redis: the oldest are dropped, the ledger makes up for them`);
  }

  async function without(id: string, charges: readonly Charge[]): Promise<SafeAnswer> {
    const none = { unseeded: [], levels: [] };
    const isTellingOnly = !charges.some(({ budget }) => budget.hard);
    if (mode === "fail-open" || (mode === "fail-closed" && isTellingOnly))
      return { ...none, refused: undefined, how: "failed_open" };
    if (mode === "local-share") {
      share ??= {
        counters: memoryCounters({ leaseMillis, isSeeded: false, now }),
        limits: new Map(),
        granted: new Set(),
      };
      const current = share;
      const mine = charges.map((charge) => shareOf(charge, current));
      const { refused } = await current.counters.reserve(id, mine);
      if (refused === undefined) {
        current.granted.add(id);
        return { ...none, refused, how: "local_share" };
      }
      wait(id, charges, null);
      return { ...none, refused, how: undefined };
    }
    // It may have been reserved before the answer was lost.
    wait(id, charges, null);
    return { ...none, refused: 0, how: "failed_closed" };
  }

  async function deliverAll(): Promise<void> {
    for (const [id, settlement] of waiting) {
      try {
        await counters.settle(id, settlement.charges, settlement.actual);
      } catch (error) {
        if (ledgerErrorReason(error) !== "refused") return;
        warn(`a settlement was refused and is dropped: ${error instanceof Error ? error.message : String(error)}`);
      }
      if (waiting.get(id) === settlement) waiting.delete(id);
    }
  }

  const safe: SafeCounters = {
    async reserve(id, charges) {
      try {
        const answer = await withDeadline(counters.reserve(id, charges), timeoutMillis, "the reservation");
        share = undefined;
        if (waiting.size > 0) void safe.deliver();
        return { ...answer, how: undefined };
      } catch {
        return without(id, charges);
      }
    },

    async settle(id, charges, actual) {
      // What was reserved before Redis went is not part of the share.
      if (share?.granted.delete(id) === true) void share.counters.settle(id, charges, actual);
      try {
        return await counters.settle(id, charges, actual);
      } catch {
        wait(id, charges, actual);
        return undefined;
      }
    },

    releaseLater: (id, charges) => wait(id, charges, null),

    deliver() {
      delivering ??= deliverAll().finally(() => (delivering = undefined));
      return delivering;
    },

    get waiting() {
      return waiting.size;
    },
  };
  return safe;
}

/** What this process grants by itself, until the counters are back. */
interface Share {
  readonly counters: BudgetCounters;
  readonly limits: Map<string, bigint>;
  readonly granted: Set<string>;
}

interface Settlement {
  readonly charges: readonly Charge[];
  readonly actual: readonly bigint[] | null;
}

const mostWaiting = 100_000;
