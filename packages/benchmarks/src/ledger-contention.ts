import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";
import { createLedger, ledgerErrorReason, type LedgerStore } from "@meterbridge/ledger";
import { postgresqlStore } from "@meterbridge/ledger/postgresql";
import { createEvents, expectedSums } from "./ledger-events.ts";
import { differencesFrom } from "./ledger-sums.ts";
import { queryOnce } from "./ledger-servers.ts";

export interface ContentionInput {
  readonly databaseUrl: string;
  readonly writers: number;
  /** Of each writer; every event is given to two of them. */
  readonly events: number;
}

export interface ContentionOutput {
  readonly eventsPerSecond: number;
  /** Deadlocks that PostgreSQL resolved and the store retried. */
  readonly deadlocksWithin: number;
  /** Batches that were not written in time, and came again: a writer waits for all others that hold the same buckets. */
  readonly timeouts: number;
}

/**
 * Writers with a pool each, of which two at a time write the same events at the same time, from both ends.
 *
 * @throws Error when a deadlock surfaces, or anything else but a timeout, or a sum is not exact.
 */
export async function contend({ databaseUrl, writers, events: perWriter }: ContentionInput): Promise<ContentionOutput> {
  const shares = Array.from({ length: writers / 2 }, (_, pair) => createEvents(10 + pair, perWriter, Date.now()));
  const faults: string[] = [];
  const ledgers = Array.from({ length: writers }, () =>
    createLedger({ store: watched(postgresqlStore({ url: databaseUrl }), faults), queueLimit: 10_000_000 }),
  );
  await Promise.all(ledgers.map((ledger) => ledger.store.open()));

  const start = performance.now();
  await Promise.all(
    ledgers.map(async (ledger, writer) => {
      const share = shares[writer >> 1] ?? [];
      const ordered = writer % 2 === 0 ? share : share.toReversed();
      for (const [index, event] of ordered.entries()) {
        ledger.write(event);
        if (index % 500 === 499) await turn();
      }
      while (!(await ledger.flush(300_000))) await sleep(10);
    }),
  );
  const seconds = (performance.now() - start) / 1000;

  const distinct = shares.flat();
  const counts = ledgers.map((ledger) => ledger.status());
  const written = counts.reduce((sum, status) => sum + status.written, 0);
  const duplicates = counts.reduce((sum, status) => sum + status.duplicates, 0);
  const others = faults.filter((fault) => !/timeout|no answer within/.test(fault));
  if (others.length > 0) throw new Error(`${others.length} faults surfaced, the first: ${others[0]}`);
  // A batch that timed out may have been written after all: then its rows count as duplicates.
  const isCounted = faults.length > 0 || written === distinct.length;
  if (!isCounted || written + duplicates !== 2 * distinct.length) {
    throw new Error(`${distinct.length} events, twice each, became ${written} rows and ${duplicates} duplicates`);
  }
  const [first] = ledgers;
  const differences = first === undefined ? [] : await differencesFrom(first.store, expectedSums(distinct));
  if (differences.length > 0) throw new Error(`sums are not exact: ${differences.join("; ")}`);
  await Promise.all(ledgers.map((ledger) => ledger.close(10_000)));
  const [row] = await queryOnce(
    databaseUrl,
    "select deadlocks from pg_stat_database where datname = current_database()",
  );
  return {
    eventsPerSecond: (writers * perWriter) / seconds,
    deadlocksWithin: Number(row?.["deadlocks"]),
    timeouts: faults.length,
  };
}

function watched(store: LedgerStore, faults: string[]): LedgerStore {
  return {
    ...store,
    async append(rows) {
      try {
        return await store.append(rows);
      } catch (error) {
        faults.push(
          `${ledgerErrorReason(error) ?? "unknown"}: ${error instanceof Error ? error.message : String(error)}`,
        );
        throw error;
      }
    },
  };
}
