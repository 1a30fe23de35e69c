import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test, vi } from "vitest";
import { audit } from "../src/proof/audit.ts";
import { sqliteStore } from "../src/sqlite/sqlite-store.ts";
import { eventsOf, type ExpectedSums } from "./support/chaos-events.ts";
import type { ChaosPlan } from "./support/chaos-process.ts";
import {
  chaosDirectory,
  type ChaosWriter,
  expectedOf,
  expectExactLedger,
  expectExactMeters,
  startWriter,
  wholeWindow,
} from "./support/chaos-run.ts";
import { mountSmallDisk } from "./support/sqlite-mount.ts";

// The whole with the embedded store: processes with a ledger and a spool each on one file.

vi.setConfig({ testTimeout: 90_000 });

const at = Date.now();

function planOf(name: string, directory: string, changes: Partial<ChaosPlan> = {}): ChaosPlan {
  return {
    store: { kind: "sqlite", file: path.join(directory, "ledger.sqlite") },
    spool: { directory: path.join(directory, "spool") },
    own: { name, at },
    shared: { name: "shared", at },
    perTick: 3,
    ...changes,
  };
}

async function expectExactFile(file: string, expected: ExpectedSums): Promise<void> {
  const store = sqliteStore({ file });
  try {
    await expectExactLedger(store, expected);
  } finally {
    await store.close();
  }
}

test("of a process killed again and again, all but what the next one tells as lost is in the ledger, once; the other loses nothing", async () => {
  const directory = await chaosDirectory();
  const file = path.join(directory, "ledger.sqlite");
  const lasting = planOf("lasting", directory);
  const survivor = startWriter(lasting);
  await survivor.more(1);
  const rounds = 4;
  const killed: ChaosWriter[] = [];
  for (let round = 0; round < rounds; round++) {
    const writer = startWriter(planOf(`killed-${round}`, directory, { shared: undefined, perTick: 10 }));
    await writer.more(150 + 70 * round);
    await writer.kill();
    killed.push(writer);
  }
  const last = planOf("last", directory, { shared: undefined, last: 10 });
  const heir = startWriter(last);
  await heir.more(10);
  const reports = [await survivor.finish(), await heir.finish()];

  for (const { status, meters } of reports) expect(meters["meterbridge.ledger.events lost"] ?? 0).toBe(status.lost);
  const store = sqliteStore({ file });
  const { from, to } = wholeWindow();
  const { clean, differences } = await audit(store, { from, to });
  expect({ clean, differences }).toEqual({ clean: true, differences: [] });
  await store.close();

  const database = new DatabaseSync(file, { readOnly: true });
  const rows = database.prepare("select tenant || ' ' || event_id as key from usage_events").all();
  database.close();
  const stored = new Set(rows.map(({ key }) => key as string));
  expect(stored.size).toBe(rows.length);
  const keysOf = (name: string, count: number): string[] =>
    Array.from({ length: count }, (_, number) => eventsOf({ name, at }, number))
      .flat()
      .map(({ tenant, eventId }) => `${tenant} ${eventId}`);
  const missingOf = (name: string, count: number): number =>
    keysOf(name, count).filter((key) => !stored.has(key)).length;
  expect(missingOf("lasting", reports[0]!.numbers) + missingOf("shared", reports[0]!.numbers)).toBe(0);
  expect(missingOf("last", 10)).toBe(0);
  const missing = killed.map((writer, round) => missingOf(`killed-${round}`, writer.numbers()));
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
  const tellings = [...killed, heir].map((writer) =>
    sum(writer.told().map((line) => Number(/(\d+) usage events were lost/.exec(line)?.[1] ?? 0))),
  );
  // The count is an upper bound: two batches may be in the store whose answers came no more.
  expect(sum(tellings)).toBeGreaterThanOrEqual(sum(missing));
  expect(sum(tellings)).toBeLessThanOrEqual(sum(missing) + rounds * 2 * 500);
  // What is in memory for 20 ms and a transaction or two, of the whole only a part.
  const numbers = killed.map((writer) => writer.numbers());
  expect(sum(missing)).toBeLessThan(sum(numbers) / 2);
});

test("a full disk of the database: everything waits in the spool elsewhere, and arrives when there is space", async (context) => {
  const { directory } = mountSmallDisk(context, 16_384);
  const elsewhere = await chaosDirectory();
  const ballast = path.join(directory, "ballast");
  const plans = ["one", "other"].map((name) =>
    planOf(name, directory, { spool: { directory: path.join(elsewhere, "spool") }, flushMillis: 100, perTick: 6 }),
  );
  const writers = plans.map((plan) => startWriter(plan));
  await Promise.all(writers.map((writer) => writer.more(60)));
  expect(() => writeFileSync(ballast, new Uint8Array(32 << 20))).toThrow("ENOSPC");
  await Promise.all(writers.map((writer) => writer.more(600)));
  rmSync(ballast);
  await Promise.all(writers.map((writer) => writer.more(30)));
  const reports = await Promise.all(writers.map((writer) => writer.finish()));
  for (const report of reports) expectExactMeters(report);
  expect(reports.reduce((sum, { status }) => sum + status.spooled, 0)).toBeGreaterThan(0);
  await expectExactFile(path.join(directory, "ledger.sqlite"), expectedOf(plans, reports));
});

test("one full disk for database and spool: what memory cannot hold is lost, and counted to the event", async (context) => {
  const { directory } = mountSmallDisk(context, 16_384);
  const ballast = path.join(directory, "ballast");
  const plan = planOf("one", directory, { shared: undefined, queueLimit: 1_000, perTick: 10 });
  const writer = startWriter(plan);
  await writer.more(100);
  expect(() => writeFileSync(ballast, new Uint8Array(32 << 20))).toThrow("ENOSPC");
  await writer.more(3_000);
  rmSync(ballast);
  await writer.more(100);
  const report = await writer.finish();
  const { events, status, told } = report;
  expect(status.lost).toBeGreaterThan(0);
  expectExactMeters(report, status.lost);
  expect(told.filter((line) => line.includes("usage events are being lost"))).toHaveLength(1);
  const store = sqliteStore({ file: path.join(directory, "ledger.sqlite") });
  const { from, to } = wholeWindow();
  const { clean, checked } = await audit(store, { from, to });
  await store.close();
  expect({ clean, rows: checked.rows }).toEqual({ clean: true, rows: events - status.lost });
});

test("a database that another process keeps locked for a while: everything waits in the spool, and arrives", async () => {
  const directory = await chaosDirectory();
  const file = path.join(directory, "ledger.sqlite");
  const plans = ["one", "other"].map((name) =>
    planOf(name, directory, { store: { kind: "sqlite", file, busyTimeoutMillis: 100 }, flushMillis: 100 }),
  );
  const writers = plans.map((plan) => startWriter(plan));
  await Promise.all(writers.map((writer) => writer.more(60)));
  const other = new DatabaseSync(file);
  other.exec("pragma busy_timeout = 5000; begin immediate");
  await Promise.all(writers.map((writer) => writer.more(150)));
  other.exec("rollback");
  other.close();
  await Promise.all(writers.map((writer) => writer.more(30)));
  const reports = await Promise.all(writers.map((writer) => writer.finish()));
  for (const report of reports) expectExactMeters(report);
  expect(reports.reduce((sum, { status }) => sum + status.spooled, 0)).toBeGreaterThan(0);
  await expectExactFile(file, expectedOf(plans, reports));
});

test("a disk that is read-only when the process starts, and writable later: everything arrives", async (context) => {
  const disk = mountSmallDisk(context, 8_192);
  const elsewhere = await chaosDirectory();
  const database = path.join(disk.directory, "database");
  mkdirSync(database);
  disk.remount("ro");
  const plan = planOf("one", database, { spool: { directory: path.join(elsewhere, "spool") }, flushMillis: 100 });
  const writer = startWriter(plan);
  await writer.more(200);
  disk.remount("rw");
  await writer.more(50);
  const report = await writer.finish();
  expectExactMeters(report);
  expect(report.status.replayed).toBeGreaterThan(0);
  await expectExactFile(path.join(database, "ledger.sqlite"), expectedOf([plan], [report]));
});

test("the same events from four processes are there once, and every process knows how many of them came first", async () => {
  const directory = await chaosDirectory();
  const series = { name: "same", at };
  const plans = Array.from({ length: 4 }, () =>
    planOf("", directory, { own: series, shared: series, perTick: 20, last: 100 }),
  );
  const writers = plans.map((plan) => startWriter(plan));
  await Promise.all(writers.map((writer) => writer.more(100)));
  const reports = await Promise.all(writers.map((writer) => writer.finish()));
  for (const report of reports) expectExactMeters(report);
  const written = reports.reduce((sum, { status }) => sum + status.written, 0);
  expect(written).toBe(110);
  expect(reports.reduce((sum, { events }) => sum + events, 0)).toBe(880);
  await expectExactFile(
    path.join(directory, "ledger.sqlite"),
    expectedOf([{ ...plans[0]!, shared: undefined }], [{ numbers: 100 }]),
  );
});
