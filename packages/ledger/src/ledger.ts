import type { UsageEvent, UsageSink } from "@meterbridge/core";
import { checkEvent } from "./check-event.ts";
import { createDelivery } from "./delivery.ts";
import type { DeliveryCounts, StoreState } from "./delivery-counts.ts";
import { createEventQueue } from "./event-queue.ts";
import { diag } from "./harmless-diag.ts";
import { harmlessly } from "./harmlessly.ts";
import { createLedgerMeters } from "./ledger-meters.ts";
import { checkLedgerOptions, type LedgerOptions } from "./ledger-options.ts";
import type { LedgerRow } from "./ledger-row.ts";
import type { LedgerStore } from "./ledger-store.ts";
import { messageOf } from "./message-of.ts";
import { atProcessEnd } from "./process-end.ts";
import { startRetention } from "./retention.ts";

/** A sink of core's usage events that keeps every one of them exactly once: `addUsageSink(createLedger({ … }))`. */
export interface Ledger extends UsageSink {
  /** Takes the event and returns at once; never throws. The event must not be changed afterwards. */
  write(event: UsageEvent): void;
  /**
   * Resolves with true when what was written so far is in the store, or in the spool where the store does not take it within
   * so many milliseconds (default 3000); with false when neither has it all. Never rejects.
   */
  flush(timeoutMillis?: number): Promise<boolean>;
  /**
   * Flushes, brings what the spool has to the store if that works within the time, and ends the parts it was given. What
   * stays in the spool is replayed by the next process that opens it. Never rejects; calling twice gives the same promise.
   */
  close(timeoutMillis?: number): Promise<void>;
  /**
   * Brings what is in memory to the store or the spool at once, blocking: for who ends the process in a way that has no `exit`
   * event, as signals do. At an exit the ledger does so by itself. Never throws.
   */
  keepNow(): void;
  status(): LedgerStatus;
  readonly store: LedgerStore;
}

export interface LedgerStatus extends Readonly<DeliveryCounts> {
  /** With what earlier processes lost that this one counted, as its meter has them. */
  readonly lost: number;
  readonly state: StoreState | "closed";
  /** Events in memory: not yet durable. */
  readonly queued: number;
  /** Events in the spool: durable, not yet in the store. */
  readonly waiting: number;
}

/**
 * Makes the ledger and begins to open its store, in the background. Events that come before it is open wait.
 *
 * @throws Error of one line when an option is wrong.
 */
export function createLedger(options: LedgerOptions): Ledger {
  const {
    store,
    spool,
    counters,
    defaultTenant,
    batchSize,
    flushIntervalMillis,
    queueLimit,
    appendTimeoutMillis,
    retentionMonths,
  } = checkLedgerOptions(options);
  const meters = createLedgerMeters();
  const queue = createEventQueue(batchSize);
  const delivery = createDelivery({
    store,
    spool,
    meters,
    appendTimeoutMillis,
    heldLimit: queueLimit,
    stored: (rows) => harmlessly(() => counters?.touched(rows)),
    settled: (events) => spool?.tally.settled(events),
  });
  const underWay = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | undefined;
  let pumping: NodeJS.Immediate | undefined;
  let newEvents = 0;
  let taken = 0;
  let unkept = 0;
  let lostBefore = 0;
  let isLastMoment = false;
  let isClosed = false;
  let closing: Promise<void> | undefined;

  function write(event: UsageEvent): void {
    if (isClosed || queue.length >= queueLimit) return lose();
    queue.push(event);
    newEvents += 1;
    // Of another exit listener, perhaps: there is no later any more.
    if (isLastMoment) return keepNow();
    if (newEvents === 1) queueMicrotask(noteAccepted);
    schedule();
  }

  /** Full batches go at once; what is less waits for company, since a transaction costs the same for one as for many. */
  function schedule(): void {
    if (queue.hasFullBatch()) pumping ??= setImmediate(pumpFull);
    else timer ??= setTimeout(pump, flushIntervalMillis).unref();
  }

  /** Once per turn of the event loop: a killed process leaves behind how much it had taken. */
  function noteAccepted(): void {
    spool?.tally.accepted(newEvents);
    meters.waiting(newEvents);
    newEvents = 0;
  }

  function lose(): void {
    unkept += 1;
    meters.ended(1, "lost");
    if (unkept > 1) return;
    const why = isClosed ? "it has been closed" : `${queueLimit} events wait in memory already`;
    diag.error(`[meterbridge] [ledger] usage events are being lost: the ledger takes no more, since ${why}`);
  }

  function pumpFull(): void {
    pumping = undefined;
    while (queue.hasFullBatch() && underWay.size < store.concurrency) deliverNext();
    if (queue.length > 0 && underWay.size < store.concurrency) schedule();
  }

  function pump(): void {
    timer = undefined;
    while (queue.length > 0 && underWay.size < store.concurrency) deliverNext();
  }

  function deliverNext(): void {
    const events = queue.take() ?? [];
    taken += events.length;
    const delivered = delivery.deliver(checked(events)).finally(() => {
      underWay.delete(delivered);
      // Checking a batch takes up to a millisecond: the event loop gets its turn before the next.
      if (queue.length > 0) schedule();
    });
    underWay.add(delivered);
  }

  function checked(events: readonly UsageEvent[]): LedgerRow[] {
    return events.flatMap((event) => {
      try {
        const { row, mended } = checkEvent(event, defaultTenant);
        for (const field of mended) meters.mended(field);
        return row;
      } catch (error) {
        // An object that throws when it is read: there is nothing to keep of it.
        delivery.refuse(error);
        return [];
      }
    });
  }

  /** What has been written so far, and not what comes meanwhile: a busy application's would never end. */
  async function drain(): Promise<void> {
    const last = taken + queue.length;
    const isLeft = (): boolean => taken < last;
    for (pump(); isLeft(); pump()) await Promise.race(underWay);
    await Promise.all(underWay);
  }

  async function flush(timeoutMillis = 3000): Promise<boolean> {
    const isDrained = await within(timeoutMillis, drain());
    return (isDrained && !delivery.isHolding) || keepInSpool();
  }

  /** Who flushes may be about to end: what a store that hangs has not taken by then has to be somewhere. */
  function keepInSpool(): boolean {
    if (spool === undefined) return false;
    try {
      delivery.spoolUnsettled();
      for (const rows of takeAll()) delivery.spoolNow(rows);
      return true;
    } catch (error) {
      diag.warn(
        `[meterbridge] [ledger] the spool does not take what could not be written in time: ${messageOf(error)}`,
      );
      return false;
    }
  }

  async function end(timeoutMillis: number): Promise<void> {
    const deadline = performance.now() + timeoutMillis;
    const left = (): number => Math.max(0, deadline - performance.now());
    // Once more for what was written meanwhile.
    do await flush(left());
    while (left() > 0 && queue.length + underWay.size > 0);
    await within(left(), delivery.retry());
    delivery.end();
    isClosed = true;
    keepForGood();
    clearInterval(adopting);
    endRetention?.();
    endWithProcess();
    // The counters' last totals are read from the store.
    const share = Math.min(Math.max(left() / 2, 100), longestTimer);
    await within(share, (async () => counters?.close(share))());
    await within(Math.max(left(), 100), Promise.allSettled([spool?.close(), store.close()]));
  }

  function* takeAll(): Generator<LedgerRow[]> {
    for (let events = queue.take(); events !== undefined; events = queue.take()) {
      taken += events.length;
      yield checked(events);
    }
  }

  /** The process ends, and no promise resolves any more: what is only in memory goes where it can be written at once. */
  function keepNow(): void {
    const batches = [...delivery.takeUnsettled(), ...takeAll()];
    // Asked once too often, a store that hangs would hold the process by its time limit for every batch.
    let isStoreAsked = delivery.state !== "down" && store.appendSync !== undefined;
    for (const batch of batches) {
      try {
        const result = isStoreAsked ? store.appendSync?.(batch, 2000) : undefined;
        isStoreAsked = result !== undefined;
        if (result === undefined) delivery.spoolNow(batch);
        else delivery.stored(batch, result);
      } catch (error) {
        delivery.lose(batch);
        diag.error(
          `[meterbridge] [ledger] ${batch.length} usage events are lost at the end of the process: ${messageOf(error)}`,
        );
      }
    }
  }

  function keepForGood(): void {
    keepNow();
    // All is accounted for: the next process has nothing to ask after.
    spool?.tally.close();
  }

  /** What processes left behind that ended without delivering it. */
  async function adopt(): Promise<void> {
    try {
      const { rows, lost } = (await spool?.adopt()) ?? { rows: 0, lost: 0 };
      meters.waiting(rows);
      meters.ended(lost, "lost");
      lostBefore += lost;
      if (lost > 0) {
        diag.warn(
          `[meterbridge] [ledger] ${lost} usage events were lost with processes that were killed before they were kept`,
        );
      }
    } catch (error) {
      diag.warn(`[meterbridge] [ledger] what earlier processes left cannot be looked for: ${messageOf(error)}`);
    }
    // Also what was taken over before something could not be.
    if ((spool?.size().rows ?? 0) > 0) delivery.start();
  }

  const adopting = setInterval(() => void adopt(), 60_000).unref();
  void adopt();
  const endRetention = retentionMonths === undefined ? undefined : startRetention(store, retentionMonths);
  const endWithProcess = atProcessEnd({
    idle() {
      if (queue.length > 0 || underWay.size > 0) void flush();
    },
    last() {
      isLastMoment = true;
      keepForGood();
    },
  });
  delivery.start();
  return {
    write,
    flush,
    close: (timeoutMillis = 3000) => (closing ??= end(timeoutMillis)),
    keepNow,
    status: () => ({
      ...delivery.counts,
      lost: delivery.counts.lost + unkept + lostBefore,
      state: isClosed ? "closed" : delivery.state,
      queued: queue.length + delivery.unsettled().length,
      waiting: spool?.size().rows ?? 0,
    }),
    store,
  };
}

/** Waits for the promise, but no longer, and tells whether that was enough. */
async function within(milliseconds: number, promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, Math.min(Math.max(milliseconds, 0) || 0, longestTimer), false);
  });
  const isInTime = await Promise.race([promise.then(yes, yes), late]);
  clearTimeout(timer);
  return isInTime;
}

function yes(): boolean {
  return true;
}

/** What is longer, Node.js takes for a millisecond. */
const longestTimer = 2 ** 31 - 1;
