import { type BudgetCounters, type Charge, isTooMuch, type Level } from "./budget-counters.ts";

export interface MemoryOptions {
  readonly leaseMillis: number;
  /** Whether counters that were not raised yet are told as unseeded. */
  readonly isSeeded: boolean;
  readonly now: () => number;
}

/** Counts in this process. */
export function memoryCounters({ leaseMillis, isSeeded, now }: MemoryOptions): BudgetCounters {
  const accounts = new Map<string, Account>();
  let sweepAt = now() + sweepMillis;

  function accountOf({ key, window }: Charge): Account {
    let account = accounts.get(key);
    if (account === undefined) {
      account = { slices: new Map(), leases: new Map(), expired: 0, isSeeded: false, window };
      accounts.set(key, account);
    } else if (window.end > account.window.end) account.window = window;
    return account;
  }

  /** Forgets windows that ended long ago, so that values which come and go do not add up. */
  function sweep(): void {
    if (now() < sweepAt) return;
    sweepAt = now() + sweepMillis;
    for (const [key, { window, leases }] of accounts) {
      const length = window.end - window.oldest;
      const over = window.isRolling ? window.end + length : window.end;
      if (over + sweepMillis >= now()) continue;
      // Nobody looks at an old window any more, so leases that ran out are still there.
      const isOpen = [...leases.values()].some(({ expiresAt }) => expiresAt > now());
      if (!isOpen) accounts.delete(key);
    }
  }

  function level(charge: Charge, account: Account): Level {
    const { oldest, slice: newest } = charge.window;
    let [used, reserved] = [0n, 0n];
    for (const [id, lease] of account.leases) {
      // They run out in the order they were made.
      if (lease.expiresAt > now()) break;
      account.leases.delete(id);
      sliceOf(account, lease.slice).reserved -= lease.amount;
      account.expired += 1;
    }
    for (const [start, slice] of account.slices) {
      if (start < oldest - (newest - oldest)) account.slices.delete(start);
      else if (start >= oldest) {
        used += slice.used;
        reserved += slice.reserved;
      }
    }
    return { used, reserved, expired: account.expired };
  }

  /** Expired leases are told once. */
  function tell(charge: Charge, account: Account): Level {
    const told = level(charge, account);
    account.expired = 0;
    return told;
  }

  return {
    async reserve(id, charges) {
      sweep();
      const found = charges.map(accountOf);
      const before = charges.map((charge, index) => tell(charge, found[index]!));
      const unseeded = charges.flatMap(({ window }, index) =>
        isSeeded && window.boundaries !== undefined && !found[index]!.isSeeded ? [index] : [],
      );
      if (unseeded.length > 0) return { refused: undefined, unseeded, levels: before };
      const refused = charges.findIndex(({ budget, limit, estimate }, index) => {
        const { used, reserved } = before[index]!;
        return budget.hard && isTooMuch(used + reserved, estimate, limit);
      });
      if (refused >= 0) return { refused, unseeded: [], levels: before };
      charges.forEach(({ window: { slice }, estimate }, index) => {
        const account = found[index]!;
        account.leases.set(id, { slice, amount: estimate, expiresAt: now() + leaseMillis });
        sliceOf(account, slice).reserved += estimate;
      });
      const levels = charges.map(({ estimate }, index) => {
        const { used, reserved, expired } = before[index]!;
        return { used, reserved: reserved + estimate, expired };
      });
      return { refused: undefined, unseeded: [], levels };
    },

    async settle(id, charges, actual) {
      return charges.map((charge, index) => {
        const account = accountOf(charge);
        const slice = sliceOf(account, charge.window.slice);
        const lease = account.leases.get(id);
        if (lease !== undefined) slice.reserved -= lease.amount;
        account.leases.delete(id);
        if (actual !== null) slice.used += actual[index]!;
        return tell(charge, account);
      });
    },

    async raise(charge, sums) {
      const account = accountOf(charge);
      if (sums !== undefined) {
        account.isSeeded = true;
        raiseSlices(account, charge, sums);
      }
      return tell(charge, account);
    },

    peek: (charge) => level(charge, accountOf(charge)),
  };
}

interface Account {
  readonly slices: Map<number, Slice>;
  readonly leases: Map<string, { readonly slice: number; readonly amount: bigint; readonly expiresAt: number }>;
  expired: number;
  isSeeded: boolean;
  window: Charge["window"];
}

interface Slice {
  used: bigint;
  reserved: bigint;
}

function sliceOf(account: Account, start: number): Slice {
  let slice = account.slices.get(start);
  if (slice === undefined) {
    slice = { used: 0n, reserved: 0n };
    account.slices.set(start, slice);
  }
  return slice;
}

/** What the ledger has more goes to the slices in which it has more, newest first. */
function raiseSlices(account: Account, charge: Charge, sums: ReadonlyMap<number, bigint>): void {
  let missing = 0n;
  for (const sum of sums.values()) missing += sum;
  for (const [start, { used }] of account.slices) if (start >= charge.window.oldest) missing -= used;
  for (const [start, sum] of [...sums].toSorted(([left], [right]) => right - left)) {
    if (missing <= 0n) return;
    const slice = sliceOf(account, start);
    const gap = sum - slice.used;
    if (gap <= 0n) continue;
    const added = gap < missing ? gap : missing;
    slice.used += added;
    missing -= added;
  }
}

const sweepMillis = 3_600_000;
