import type { LedgerStore } from "@meterbridge/ledger";
import { history, historyStartsAt } from "./ledger-history.ts";

/**
 * Holds a loaded history against the ledger's own definitions: the number of events, and every rollup of one day in the middle.
 *
 * @throws Error that says what is wrong, since figures over wrong rollups say nothing.
 */
export async function checkHistory(store: LedgerStore, events: number): Promise<void> {
  const day = 86_400_000;
  const [first, last] = [Math.floor(historyStartsAt / day) * day, Math.ceil(history.endsAt / day) * day];
  const [row] = await store.sums({ boundaries: [first, last] });
  if (row?.sums.events !== events)
    throw new Error(`${events} events were loaded, and rollups have ${row?.sums.events}`);
  const middle = first + 45 * day;
  const differences = await store.recount({ from: middle, to: middle + day });
  if (differences.length > 0) {
    throw new Error(`${differences.length} loaded rollups are wrong, the first: ${describe(differences[0])}`);
  }
}

function describe(difference: object | undefined): string {
  return JSON.stringify(difference, (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value));
}
