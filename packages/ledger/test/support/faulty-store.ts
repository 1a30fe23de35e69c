import { ledgerError } from "../../src/ledger-error.ts";
import type { LedgerRow } from "../../src/ledger-row.ts";
import type { AppendResult, LedgerStore } from "../../src/ledger-store.ts";

/** A store in memory whose faults a test turns on and off: those that no real database shows on command. */
export interface FaultyStore extends LedgerStore {
  /** What is in it, by tenant and id. */
  readonly kept: ReadonlyMap<string, LedgerRow>;
  /** Sizes of the batches in their order. */
  readonly batches: readonly number[];
  fault: "none" | "unavailable" | "hangs" | "hangs-after-writing" | "refuses";
  /** Which rows are refused while the fault is `refuses`. */
  refuses: (row: LedgerRow) => boolean;
}

export function faultyStore(): FaultyStore {
  const kept = new Map<string, LedgerRow>();
  const batches: number[] = [];
  const notHere = (): Promise<never> => Promise.reject(new Error("not part of this store"));

  const store: FaultyStore = {
    name: "faulty",
    location: "memory",
    concurrency: 1,
    kept,
    batches,
    fault: "none",
    refuses: () => true,
    async open() {
      if (store.fault === "unavailable") throw ledgerError("unavailable", "[meterbridge] [ledger] it is down");
      if (store.fault === "hangs") await new Promise(() => {});
    },
    async append(rows): Promise<AppendResult> {
      if (store.fault === "unavailable") throw ledgerError("unavailable", "[meterbridge] [ledger] it is down");
      if (store.fault === "hangs") await new Promise(() => {});
      if (store.fault === "refuses" && rows.some(store.refuses)) throw ledgerError("refused", "it does not take that");
      const before = kept.size;
      for (const row of rows) {
        const key = `${row.tenant}\0${row.eventId}`;
        if (!kept.has(key)) kept.set(key, row);
      }
      if (store.fault === "hangs-after-writing") await new Promise(() => {});
      batches.push(rows.length);
      return { written: kept.size - before, duplicates: rows.length - (kept.size - before), expired: 0 };
    },
    sums: notHere,
    totals: notHere,
    tenants: notHere,
    rows: notHere,
    recount: notHere,
    retain: notHere,
    retainedFrom: () => Promise.resolve(undefined),
    close: () => Promise.resolve(),
  };
  return store;
}
