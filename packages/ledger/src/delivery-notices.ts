import { diag } from "./harmless-diag.ts";
import type { LedgerRow } from "./ledger-row.ts";
import type { LedgerStore } from "./ledger-store.ts";
import { messageOf } from "./message-of.ts";

/** Tells on diag what the delivery goes through: each change once, not each batch. */
export interface DeliveryNotices {
  storeFails(error: unknown): void;
  storeWorks(): void;
  spoolFails(error: unknown): void;
  spoolWorks(): void;
  /** What waits there stays, and is tried again. */
  spoolUnreadable(error: unknown): void;
  /** All that waited has been read. */
  spoolRead(): void;
  /** Each one: such a row needs somebody to look at it. */
  refused(row: LedgerRow | undefined, error: unknown): void;
  /** Neither store nor spool nor memory takes events. */
  losing(held: number): void;
}

export function createDeliveryNotices(store: LedgerStore, hasSpool: boolean): DeliveryNotices {
  const where = `${store.name} at ${store.location}`;
  let isStoreFailing = false;
  let isSpoolFailing = false;
  let isSpoolUnreadable = false;
  let isLosing = false;

  return {
    storeFails(error) {
      if (isStoreFailing) return;
      isStoreFailing = true;
      const refuge = hasSpool ? "go to the spool" : "are held in memory";
      diag.warn(
        `[meterbridge] [ledger] ${where} does not take usage: ${messageOf(error)}; events ${refuge} until it does`,
      );
    },
    storeWorks() {
      // At the level of the trouble: whoever was told of it has to hear that it is over.
      if (isStoreFailing) diag.warn(`[meterbridge] [ledger] ${where} takes usage again`);
      isStoreFailing = false;
      isLosing = false;
    },
    spoolFails(error) {
      if (isSpoolFailing) return;
      isSpoolFailing = true;
      diag.error(`[meterbridge] [ledger] the spool takes nothing: ${messageOf(error)}; events are held in memory`);
    },
    spoolWorks() {
      if (isSpoolFailing) diag.warn("[meterbridge] [ledger] the spool works again");
      isSpoolFailing = false;
    },
    spoolUnreadable(error) {
      if (isSpoolUnreadable) return;
      isSpoolUnreadable = true;
      diag.error(`[meterbridge] [ledger] some of what waits in the spool stays there for now: ${messageOf(error)}`);
    },
    spoolRead() {
      if (isSpoolUnreadable) diag.warn("[meterbridge] [ledger] all that waited in the spool could be read");
      isSpoolUnreadable = false;
    },
    refused(row, error) {
      const which =
        row === undefined
          ? "a usage event"
          : `event ${JSON.stringify(row.eventId)} of tenant ${JSON.stringify(row.tenant)}`;
      diag.error(`[meterbridge] [ledger] ${which} was refused and is not kept: ${messageOf(error)}`);
    },
    losing(held) {
      if (isLosing) return;
      isLosing = true;
      diag.error(
        `[meterbridge] [ledger] usage events are being lost: ${where} takes none, ` +
          `${hasSpool ? "nor does the spool" : "there is no spool"}, and ${held} are held in memory already; ` +
          `meterbridge.ledger.events with outcome lost counts them`,
      );
    },
  };
}
