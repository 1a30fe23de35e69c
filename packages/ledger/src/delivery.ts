import { setImmediate as turn } from "node:timers/promises";
import type { DeliveryCounts, StoreState } from "./delivery-counts.ts";
import { createDeliveryNotices } from "./delivery-notices.ts";
import { ledgerErrorReason } from "./ledger-error.ts";
import type { LedgerMeters } from "./ledger-meters.ts";
import type { LedgerRow } from "./ledger-row.ts";
import type { AppendResult, LedgerStore } from "./ledger-store.ts";
import { createRecovery } from "./recovery.ts";
import type { Spool, WaitingBatch } from "./spool/spool.ts";
import { withDeadline } from "./with-deadline.ts";

/** Brings rows to the store; while that is away to the spool, and from there to the store. */
export interface Delivery {
  /** Resolves when the rows are settled, or held in memory because neither store nor spool takes them. Never rejects. */
  deliver(rows: readonly LedgerRow[]): Promise<void>;
  /** Puts rows into the spool at once, blocking. Throws where there is none or it does not take them. */
  spoolNow(rows: readonly LedgerRow[]): void;
  /** The same with all that is unsettled. What is under way may still arrive in the store as well, which counts it once. */
  spoolUnsettled(): void;
  /** The batches that are unsettled, which from now on are the caller's to keep. */
  takeUnsettled(): readonly (readonly LedgerRow[])[];
  /** Counts rows that the caller has brought to the store. */
  stored(rows: readonly LedgerRow[], result: AppendResult): void;
  /** Counts and tells rows that nothing keeps. */
  lose(rows: readonly LedgerRow[]): void;
  /** Counts and tells an event that could not even be read. */
  refuse(error: unknown): void;
  /** Opens the store and brings what waits, again and again until it works or `end` is called. */
  start(): void;
  /** Tries that once, now. Resolves with whether nothing waits any more. */
  retry(): Promise<boolean>;
  end(): void;
  /** Rows that are in memory alone: the end of the process would lose them. */
  unsettled(): readonly LedgerRow[];
  /** Whether some of them are there because neither store nor spool takes them. */
  readonly isHolding: boolean;
  readonly state: StoreState;
  readonly counts: Readonly<DeliveryCounts>;
}

export interface DeliveryOptions {
  readonly store: LedgerStore;
  readonly spool: Spool | undefined;
  readonly meters: LedgerMeters;
  readonly appendTimeoutMillis: number;
  /** Most rows held in memory while neither store nor spool takes them. */
  readonly heldLimit: number;
  /** Called with rows that are in the store now. */
  readonly stored: (rows: readonly LedgerRow[]) => void;
  /** Called with the number of events that need no more care of this process: stored, spooled, refused or lost. */
  readonly settled: (events: number) => void;
}

export function createDelivery(options: DeliveryOptions): Delivery {
  const { store, spool, meters, appendTimeoutMillis, heldLimit } = options;
  const notices = createDeliveryNotices(store, spool !== undefined);
  const counts = { written: 0, duplicates: 0, expired: 0, refused: 0, lost: 0, spooled: 0, replayed: 0 };
  const underWay = new Set<readonly LedgerRow[]>();
  const held: (readonly LedgerRow[])[] = [];
  /** Batches among these two that are elsewhere already: for them nothing is left to do, whatever becomes of an append. */
  const kept = new WeakSet<readonly LedgerRow[]>();
  let state: StoreState = "opening";
  let opening: Promise<void> | undefined;
  let puttingAside = 0;
  let ended = false;
  // What was put aside after the last look, when it seemed that nothing was left to do, needs another.
  const recovery = createRecovery(attempt, () => state === "down" || held.length + (spool?.size().rows ?? 0) > 0);

  async function deliver(rows: readonly LedgerRow[]): Promise<void> {
    underWay.add(rows);
    try {
      if (state === "down") return await putAside(rows, "memory");
      await open();
      // Checking many takes some milliseconds, and so will sending them: the event loop gets its turn in between.
      if (rows.length > 500) await turn();
      await append(rows, "memory");
    } catch (error) {
      storeFails(error);
      await putAside(rows, "memory");
    } finally {
      underWay.delete(rows);
    }
  }

  function open(): Promise<void> {
    opening ??= withDeadline(store.open(), appendTimeoutMillis, "opening it").catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return opening;
  }

  /** Rejects when the store is away. */
  async function append(rows: readonly LedgerRow[], from: "memory" | "spool"): Promise<void> {
    let result: AppendResult;
    try {
      result = await withDeadline(store.append(rows), appendTimeoutMillis, "writing");
    } catch (error) {
      if (ledgerErrorReason(error) !== "refused") throw error;
      return takeOutRefused(rows, from, error);
    }
    if (!kept.has(rows)) leave(rows.length, from);
    stored(rows, result);
  }

  function stored(rows: readonly LedgerRow[], result: AppendResult): void {
    for (const outcome of ["written", "duplicates", "expired"] as const) counts[outcome] += result[outcome];
    meters.ended(result.written, "written");
    meters.ended(result.duplicates, "duplicate");
    meters.ended(result.expired, "expired");
    storeWorks();
    options.stored(rows);
  }

  /** One row that the database does not take must not keep the others out: halves, down to the row. */
  async function takeOutRefused(rows: readonly LedgerRow[], from: "memory" | "spool", error: unknown): Promise<void> {
    if (rows.length === 1) return refuse(rows[0], error, from);
    const middle = rows.length >> 1;
    for (const half of [rows.slice(0, middle), rows.slice(middle)]) {
      // A flush has put all of it into the spool, from where it comes again.
      if (kept.has(rows)) return;
      try {
        await append(half, from);
      } catch (reason) {
        storeFails(reason);
        await putAside(half, from);
      }
    }
  }

  function refuse(row: LedgerRow | undefined, error: unknown, from: "memory" | "spool"): void {
    counts.refused += 1;
    meters.ended(1, "refused");
    leave(1, from);
    notices.refused(row, error);
  }

  /** To the spool; where that does not work, into memory; where that is full, nowhere, and that is counted and told. */
  async function putAside(rows: readonly LedgerRow[], from: "memory" | "spool"): Promise<void> {
    if (kept.has(rows)) return;
    puttingAside += 1;
    await settleElsewhere(rows, from);
    puttingAside -= 1;
    recovery.start();
  }

  async function settleElsewhere(rows: readonly LedgerRow[], from: "memory" | "spool"): Promise<void> {
    if (spool !== undefined) {
      try {
        await spool.append(rows);
        if (!kept.has(rows)) return spooled(rows, from);
        // Twice by now, and each is waited for.
        meters.waiting(rows.length);
        return spooled(rows, "spool");
      } catch (error) {
        meters.failed("spool");
        notices.spoolFails(error);
      }
    }
    if (kept.has(rows)) return;
    if (heldRows() + rows.length <= heldLimit) {
      held.push(rows);
      return;
    }
    lose(rows, from);
    notices.losing(heldRows());
  }

  function lose(rows: readonly LedgerRow[], from: "memory" | "spool"): void {
    counts.lost += rows.length;
    meters.ended(rows.length, "lost");
    leave(rows.length, from);
  }

  function spooled(rows: readonly LedgerRow[], from: "memory" | "spool"): void {
    counts.spooled += rows.length;
    meters.spooled(rows.length);
    if (from === "memory") options.settled(rows.length);
    notices.spoolWorks();
  }

  /** The events are no longer this process's to keep. */
  function leave(events: number, from: "memory" | "spool"): void {
    meters.waiting(-events);
    if (from === "memory") options.settled(events);
  }

  function storeWorks(): void {
    state = "ready";
    notices.storeWorks();
  }

  function storeFails(error: unknown): void {
    // What was under way then is kept, and nobody waits for it any more.
    if (ended) return;
    state = "down";
    // A database that was restarted, or emptied, is looked at anew.
    opening = undefined;
    meters.failed("store");
    notices.storeFails(error);
    recovery.start();
  }

  async function attempt(): Promise<boolean> {
    try {
      await open();
      if (state === "opening") storeWorks();
      // The spool first: what is in it is older than what memory holds.
      const isReplayed = await replay();
      for (let rows = held[0]; rows !== undefined; rows = held[0]) {
        // A flush may have put it into the spool, and then it has just been replayed.
        if (!kept.has(rows)) await append(rows, "memory");
        held.shift();
      }
      // Only an append proves that a store is back. With nothing to append the next batch tries it.
      if (state === "down" && puttingAside === 0) state = "opening";
      return isReplayed && puttingAside === 0;
    } catch (error) {
      storeFails(error);
      return false;
    }
  }

  /** Resolves with whether nothing waits in the spool any more. Rejects when the store is away. */
  async function replay(): Promise<boolean> {
    for (;;) {
      const batch = await fromSpool();
      if (batch === undefined) return true;
      if (batch === "unreadable" || ended) return false;
      await append(batch.rows, "spool");
      counts.replayed += batch.rows.length;
      meters.replayed(batch.rows.length);
      await batch.done().catch(notices.spoolUnreadable);
    }
  }

  /** That a file cannot be read says nothing about the store, which goes on taking events. */
  async function fromSpool(): Promise<WaitingBatch | "unreadable" | undefined> {
    try {
      const batch = await spool?.next();
      if (batch === undefined) notices.spoolRead();
      return batch;
    } catch (error) {
      meters.failed("spool");
      notices.spoolUnreadable(error);
      return "unreadable";
    }
  }

  function heldRows(): number {
    return held.reduce((sum, rows) => sum + rows.length, 0);
  }

  function spoolNow(rows: readonly LedgerRow[]): void {
    if (spool === undefined) throw new Error("there is no spool");
    spool.appendSync(rows);
    spooled(rows, "memory");
    recovery.start();
  }

  function unsettled(): (readonly LedgerRow[])[] {
    return [...held, ...underWay].filter((rows) => !kept.has(rows));
  }

  return {
    deliver,
    spoolNow,
    spoolUnsettled() {
      for (const rows of unsettled()) {
        spoolNow(rows);
        kept.add(rows);
      }
    },
    takeUnsettled() {
      const taken = unsettled();
      for (const rows of taken) kept.add(rows);
      return taken;
    },
    stored(rows, result) {
      leave(rows.length, "memory");
      stored(rows, result);
    },
    lose: (rows) => lose(rows, "memory"),
    refuse: (error) => refuse(undefined, error, "memory"),
    start: recovery.start,
    retry: recovery.retry,
    end() {
      ended = true;
      recovery.end();
    },
    unsettled: () => unsettled().flat(),
    get isHolding() {
      return held.some((rows) => !kept.has(rows));
    },
    counts,
    get state() {
      return state;
    },
  };
}
