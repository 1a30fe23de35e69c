/**
 * By hand: 30 seconds at 5,000 events a second into SQLite, with short faults at random: the database is locked, or gone to a full
 * disk. Says what was lost or doubled, how long the event loop stood still, and what memory grew by.
 *
 *   node --conditions=@meterbridge/source packages/ledger/test/support/chaos-soak-process.ts [seconds] [events per second] [directory]
 */
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { diag, DiagLogLevel } from "@opentelemetry/api";
import { createLedger } from "../../src/ledger.ts";
import { audit } from "../../src/proof/audit.ts";
import { openSpool } from "../../src/spool/spool.ts";
import { sqliteStore } from "../../src/sqlite/sqlite-store.ts";
import { eventsOf } from "./chaos-events.ts";

const [, , seconds = "30", pace = "5000", directory = mkdtempSync(path.join(tmpdir(), "meterbridge-soak-"))] =
  process.argv;

/** In a thread of its own, since it waits for its turn. */
const locker = `
  const { workerData: { file, lasts } } = require("node:worker_threads");
  const { DatabaseSync } = require("node:sqlite");
  const other = new DatabaseSync(file);
  other.exec("pragma busy_timeout = 5000; begin immediate");
  setTimeout(() => { other.exec("rollback"); other.close(); }, lasts);
`;

async function soak(): Promise<void> {
  const told: string[] = [];
  const tell = (message: string): void => void told.push(message);
  diag.setLogger(
    { error: tell, warn: tell, info: () => {}, debug: () => {}, verbose: () => {} },
    { logLevel: DiagLogLevel.WARN },
  );
  const file = path.join(directory, "ledger.sqlite");
  const store = sqliteStore({ file, busyTimeoutMillis: 200 });
  const ledger = createLedger({ store, spool: openSpool({ directory: path.join(directory, "spool") }) });
  await store.open();
  const series = { name: "soak", at: Date.now() };
  // Made before, so that making them is not measured.
  const numbers = Math.ceil((Number(seconds) * Number(pace)) / 1.1);
  const events = Array.from({ length: numbers }, (_, number) => eventsOf(series, number)).flat();
  await sleep(1_000);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const before = process.memoryUsage.rss();
  let [next, mostRss, faults] = [0, before, 0];
  delay.enable();
  const start = performance.now();
  const ticks = setInterval(() => {
    const due = Math.min(events.length, Math.floor(((performance.now() - start) / 1000) * Number(pace)));
    for (; next < due; next++) ledger.write(events[next]!);
    mostRss = Math.max(mostRss, process.memoryUsage.rss());
  }, 2);
  while (next < events.length) {
    await sleep(500 + Math.random() * 2_500);
    faults += 1;
    const lasts = 100 + Math.random() * 1_500;
    if (process.argv[4] !== undefined && Math.random() < 0.5) {
      // A directory of its own, on a small disk.
      const ballast = path.join(directory, "ballast");
      try {
        writeFileSync(ballast, new Uint8Array(256 << 20));
      } catch {
        // As full as can be.
      }
      await sleep(lasts);
      rmSync(ballast, { force: true });
      continue;
    }
    await once(new Worker(locker, { eval: true, workerData: { file, lasts } }), "exit");
  }
  clearInterval(ticks);
  delay.disable();
  const ended = performance.now();
  for (let status = ledger.status(); status.queued > 0 || status.waiting > 0; status = ledger.status()) await sleep(50);
  const drained = Math.round(performance.now() - ended);
  const status = ledger.status();
  const day = 86_400_000;
  const from = new Date(Math.floor(Date.now() / day) * day - 70 * day);
  const { clean, checked } = await audit(store, { from, to: new Date(from.getTime() + 72 * day) });
  await ledger.close();
  const { written, duplicates, spooled, lost } = status;
  console.log(
    JSON.stringify({
      events: events.length,
      rows: checked.rows,
      missing: events.length - checked.rows - lost,
      clean,
      lost,
      written,
      duplicates,
      spooled,
      faults,
      drainedMillis: drained,
      longestDelayMillis: Math.round(delay.max / 1e5) / 10,
      delay99Millis: Math.round(delay.percentile(99) / 1e5) / 10,
      rssBeforeMegabytes: before >> 20,
      rssGrowthMegabytes: (mostRss - before) >> 20,
      told: told.length,
    }),
  );
}

void soak();
