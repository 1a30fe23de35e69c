import { diag } from "./harmless-diag.ts";
import type { LedgerStore } from "./ledger-store.ts";
import { messageOf } from "./message-of.ts";

/**
 * Has the store forget rows older than so many whole months (UTC), the running one not counted: now and daily. Nothing waits for
 * it; a failure is told once until it works again. The returned function ends it.
 */
export function startRetention(store: LedgerStore, months: number, now: () => Date = () => new Date()): () => void {
  let isFailing = false;

  async function retain(): Promise<void> {
    const today = now();
    try {
      await store.retain(new Date(Date.UTC(today.getUTCFullYear(), today.getUTCMonth() - months, 1)));
      if (isFailing) diag.warn("[meterbridge] [ledger] old rows are dropped again");
      isFailing = false;
    } catch (error) {
      if (!isFailing) {
        diag.warn(`[meterbridge] [ledger] rows older than ${months} months stay for now: ${messageOf(error)}`);
      }
      isFailing = true;
    }
  }

  const timer = setInterval(() => void retain(), dayMillis).unref();
  void retain();
  return () => clearInterval(timer);
}

const dayMillis = 86_400_000;
