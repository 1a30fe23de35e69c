import { setImmediate as turn } from "node:timers/promises";
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
}

/**
 * Writers with a pool each, of which two at a time write the same events at the same time, from both ends.
 *
 * @throws Error when a deadlock or anything else surfaces, or a sum is not exact.
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
      await ledger.flush(300_000);
    }),
  );
  const seconds = (performance.now() - start) / 1000;

  const distinct = shares.flat();
  const counts = ledgers.map((ledger) => ledger.status());
  const written = counts.reduce((sum, status) => sum + status.written, 0);
  const duplicates = counts.reduce((sum, status) => sum + status.duplicates, 0);
  if (faults.length > 0) throw new Error(`${faults.length} faults surfaced, the first: ${faults[0]}`);
  if (written !== distinct.length || duplicates !== distinct.length) {
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
  return { eventsPerSecond: (writers * perWriter) / seconds, deadlocksWithin: Number(row?.["deadlocks"]) };
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
