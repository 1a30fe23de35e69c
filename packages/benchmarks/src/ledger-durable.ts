import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";
import { openLedger } from "@meterbridge/ledger";
import { createEvents, expectedSums } from "./ledger-events.ts";
import { differencesFrom } from "./ledger-sums.ts";

export interface DurableInput {
  readonly store: "sqlite" | "postgresql";
  readonly databaseUrl: string | undefined;
  readonly directory: string;
  readonly events: number;
}

export interface Throughput {
  readonly eventsPerSecond: number;
  /** CPU time of the application's process for an event, all threads: other processes disturb it less than they do the speed. */
  readonly cpuMicroseconds: number;
}

/** Begins now; what it gives is to be called when so many events are durable. */
export function throughputOf(events: number): () => Throughput {
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  return () => {
    const seconds = (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(cpuBefore);
    return { eventsPerSecond: events / seconds, cpuMicroseconds: (user + system) / events };
  };
}

/**
 * Writes events as fast as the ledger takes them, until all are in the store. What the store says about them is held against
 * what was written.
 *
 * @throws Error when a sum is not exact, or an event went anywhere but into the store.
 */
export async function writeDurably({
  store,
  databaseUrl,
  directory,
  events: count,
}: DurableInput): Promise<Throughput> {
  const events = createEvents(2, count, Date.now());
  const warmUp = createEvents(3, 2000, Date.now());
  const ledger = openLedger({ store, databaseUrl, directory });
  for (const event of warmUp) ledger.write(event);
  if (!(await ledger.flush(30_000))) throw new Error(`the ${store} store did not open`);
  globalThis.gc?.();

  const measured = throughputOf(count);
  for (let index = 0; index < count; index++) {
    ledger.write(events[index]!);
    if (index % 500 !== 499) continue;
    // As an application would: other work gets its turn, and nobody writes more than the memory that was given holds.
    await turn();
    // Not by turning round and round, which would take the processor from those who write.
    while ((ledger.status()?.queued ?? 0) > 50_000) await sleep(2);
  }
  const isDurable = await ledger.flush(120_000);
  const throughput = measured();

  const status = ledger.status();
  if (!isDurable || status?.written !== count + warmUp.length) {
    throw new Error(`not every event went into the store: ${JSON.stringify(status)}`);
  }
  const differences = await differencesFrom(ledger.store, expectedSums([...warmUp, ...events]));
  if (differences.length > 0) throw new Error(`sums are not exact: ${differences.join("; ")}`);
  await ledger.close(10_000);
  return throughput;
}
