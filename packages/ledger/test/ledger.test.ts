import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { diag, DiagLogLevel } from "@opentelemetry/api";
import type { UsageEvent } from "@meterbridge/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { until } from "../../../test/support/servers.ts";
import { eventIdAt } from "../src/event-id.ts";
import { createLedger, type Ledger } from "../src/ledger.ts";
import type { LedgerOptions } from "../src/ledger-options.ts";
import { openSpool, type SpoolOptions } from "../src/spool/spool.ts";
import { faultyStore, type FaultyStore } from "./support/faulty-store.ts";

let directory: string;
let told: string[];
let ledgers: Ledger[];

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), "ledger-"));
  told = [];
  ledgers = [];
  const tell = (message: string): void => void told.push(message);
  diag.setLogger(
    { error: tell, warn: tell, info: () => {}, debug: () => {}, verbose: () => {} },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
});

afterEach(async () => {
  await Promise.all(ledgers.map((ledger) => ledger.close(500)));
  diag.disable();
  rmSync(directory, { recursive: true });
});

function open(options: Partial<LedgerOptions> = {}): { ledger: Ledger; store: FaultyStore } {
  const store = (options.store as FaultyStore | undefined) ?? faultyStore();
  const ledger = createLedger({ flushIntervalMillis: 5, ...options, store });
  ledgers.push(ledger);
  return { ledger, store };
}

function event(changes: Partial<UsageEvent> = {}): UsageEvent {
  const occurredAt = new Date();
  return {
    eventId: eventIdAt(occurredAt.getTime()),
    occurredAt,
    kind: "llm_call",
    tenant: "acme",
    employee: null,
    project: null,
    process: null,
    execution: null,
    user: null,
    provider: "openai",
    model: "gpt-5",
    responseModel: null,
    serviceTier: null,
    name: null,
    inputTokens: 10,
    outputTokens: 5,
    cacheReadTokens: null,
    cacheWriteTokens: null,
    reasoningTokens: null,
    costNanoUsd: 1000n,
    costStatus: "priced",
    priceBook: "list@1",
    inferenceMs: 12,
    queueMs: null,
    isSuccess: true,
    errorType: null,
    usageSource: "provider",
    attempts: 1,
    ...changes,
  };
}

function writeEvents(ledger: Ledger, count: number): void {
  for (let index = 0; index < count; index++) ledger.write(event());
}

const spool = () => openSpool({ directory });

test("events are in the store after a flush, in batches", async () => {
  const { ledger, store } = open({ batchSize: 100 });
  writeEvents(ledger, 250);
  expect(await ledger.flush()).toBe(true);
  expect(store.kept.size).toBe(250);
  expect(store.batches).toEqual([100, 100, 50]);
  expect(ledger.status()).toMatchObject({ state: "ready", written: 250, queued: 0, lost: 0 });
});

test("a single event does not wait for company for long", async () => {
  const { ledger, store } = open();
  ledger.write(event());
  await until(() => store.kept.size === 1, "the event to be written");
});

test("the same event written twice counts once, and is told apart in the counts", async () => {
  const { ledger, store } = open();
  const once = event();
  ledger.write(once);
  ledger.write(once);
  ledger.write({ ...once, tenant: "globex" });
  await ledger.flush();
  expect(store.kept.size).toBe(2);
  expect(ledger.status()).toMatchObject({ written: 2, duplicates: 1 });
});

describe("while the store is away", () => {
  test("events go to the spool, and into the store when it is back: none lost, none twice, each change told once", async () => {
    const { ledger, store } = open({ spool: spool() });
    writeEvents(ledger, 30);
    await ledger.flush();
    store.fault = "unavailable";
    for (let round = 0; round < 5; round++) {
      writeEvents(ledger, 20);
      expect(await ledger.flush()).toBe(true);
    }
    expect(ledger.status()).toMatchObject({ state: "down", spooled: 100, waiting: 100, queued: 0 });
    store.fault = "none";
    await until(() => store.kept.size === 130, "the spool to be replayed");
    expect(ledger.status()).toMatchObject({ state: "ready", replayed: 100, lost: 0 });
    expect(told).toEqual([
      "[meterbridge] [ledger] faulty at memory does not take usage: it is down; events go to the spool until it does",
      "[meterbridge] [ledger] faulty at memory takes usage again",
    ]);
  });

  test("from the very start, events wait for it", async () => {
    const store = faultyStore();
    store.fault = "unavailable";
    const { ledger } = open({ store, spool: spool() });
    writeEvents(ledger, 10);
    expect(await ledger.flush()).toBe(true);
    store.fault = "none";
    await until(() => store.kept.size === 10, "the events to arrive");
  });

  test("without a spool they are held in memory, and arrive", async () => {
    const { ledger, store } = open();
    store.fault = "unavailable";
    writeEvents(ledger, 10);
    expect(await ledger.flush(200)).toBe(false);
    store.fault = "none";
    await until(() => store.kept.size === 10, "the events to arrive");
    expect(ledger.status()).toMatchObject({ lost: 0, queued: 0 });
  });

  test("with a spool that is full they are held in memory, and all arrive", async () => {
    const { ledger, store } = open({ spool: openSpool({ directory, maxBytes: 20_000 }), batchSize: 10 });
    store.fault = "unavailable";
    writeEvents(ledger, 500);
    await ledger.flush(1000);
    expect(ledger.status().spooled).toBeGreaterThan(0);
    expect(ledger.status().queued).toBeGreaterThan(0);
    store.fault = "none";
    await until(() => store.kept.size === 500, "all events to arrive");
    expect(told.filter((line) => line.includes("the spool takes nothing"))).toHaveLength(1);
  });

  test("with nothing left that takes them, what is lost is counted exactly and told once", async () => {
    const { ledger, store } = open({ queueLimit: 100, batchSize: 10 });
    store.fault = "unavailable";
    writeEvents(ledger, 100);
    await ledger.flush(100);
    writeEvents(ledger, 35);
    await ledger.flush(100);
    store.fault = "none";
    await until(() => ledger.status().queued === 0, "memory to empty");
    expect(store.kept.size).toBe(100);
    expect(ledger.status()).toMatchObject({ written: 100, lost: 35 });
    expect(told.filter((line) => line.includes("are being lost"))).toHaveLength(1);
  });
});

test("a store that hangs is given up after the time allowed, and the batch is kept elsewhere", async () => {
  const { ledger, store } = open({ spool: spool(), appendTimeoutMillis: 50 });
  writeEvents(ledger, 1);
  await ledger.flush();
  store.fault = "hangs";
  writeEvents(ledger, 10);
  expect(await ledger.flush()).toBe(true);
  expect(ledger.status()).toMatchObject({ state: "down", waiting: 10 });
  store.fault = "none";
  await until(() => store.kept.size === 11, "the batch to be replayed");
});

test("a flush that cannot wait for a store that hangs leaves all with the spool: the process may be about to end", async () => {
  const { ledger, store } = open({ spool: spool(), appendTimeoutMillis: 60_000, batchSize: 10 });
  store.fault = "hangs";
  writeEvents(ledger, 95);
  expect(await ledger.flush(100)).toBe(true);
  const next = faultyStore();
  const left = openSpool({ directory });
  await ledger.close(100);
  expect((await left.adopt()).rows).toBeGreaterThanOrEqual(95);
  for (let batch = await left.next(); batch !== undefined; batch = await left.next()) {
    await next.append(batch.rows);
    await batch.done();
  }
  expect(next.kept.size).toBe(95);
  await left.close();
});

test("a store that wrote but whose answer was lost gets the batch again, and counts it once", async () => {
  const { ledger, store } = open({ spool: spool(), appendTimeoutMillis: 50 });
  store.fault = "hangs-after-writing";
  writeEvents(ledger, 10);
  expect(await ledger.flush()).toBe(true);
  store.fault = "none";
  await until(() => ledger.status().duplicates === 10, "the replay");
  expect(store.kept.size).toBe(10);
});

test("one row that the database refuses keeps no other out, and is named", async () => {
  const { ledger, store } = open({ batchSize: 64 });
  store.fault = "refuses";
  store.refuses = (row) => row.model === "cursed";
  for (let index = 0; index < 64; index++) {
    ledger.write(event(index === 37 ? { eventId: "order-17", model: "cursed" } : {}));
  }
  expect(await ledger.flush()).toBe(true);
  expect(store.kept.size).toBe(63);
  expect(ledger.status()).toMatchObject({ state: "ready", written: 63, refused: 1 });
  expect(told).toEqual([
    `[meterbridge] [ledger] event "order-17" of tenant "acme" was refused and is not kept: it does not take that`,
  ]);
});

test("what cannot be read at all never reaches the app as an error", async () => {
  const { ledger, store } = open();
  const trap = Object.defineProperty({}, "eventId", {
    get() {
      throw new Error("a trap");
    },
  });
  for (const hostile of [trap, null, undefined, 7, "event", Symbol("event")]) ledger.write(hostile as UsageEvent);
  ledger.write(event());
  expect(await ledger.flush()).toBe(true);
  expect(ledger.status()).toMatchObject({ refused: 1 });
  expect(store.kept.size).toBe(6);
});

describe("close", () => {
  test("brings everything to the store first, and takes no more", async () => {
    const { ledger, store } = open({ spool: spool() });
    writeEvents(ledger, 100);
    await Promise.all([ledger.close(), ledger.close()]);
    expect(store.kept.size).toBe(100);
    writeEvents(ledger, 3);
    expect(ledger.status()).toMatchObject({ state: "closed", lost: 3 });
  });

  test("leaves with the spool what the store does not take in time, for the next process", async () => {
    const { ledger, store } = open({ spool: spool(), appendTimeoutMillis: 100 });
    store.fault = "hangs";
    writeEvents(ledger, 100);
    await ledger.close(1000);
    expect(ledger.status()).toMatchObject({ state: "closed", lost: 0, queued: 0 });
    const { ledger: next, store: nextStore } = open({ spool: spool() });
    await until(() => nextStore.kept.size === 100, "the next ledger to replay it");
    await until(() => next.status().waiting === 0, "the spool to be empty");
  });

  test("keeps to its time also when store and disk take nothing", async () => {
    const { ledger, store } = open({ appendTimeoutMillis: 60_000 });
    store.fault = "hangs";
    writeEvents(ledger, 10);
    const start = performance.now();
    await ledger.close(300);
    expect(performance.now() - start).toBeLessThan(3000);
    expect(told.at(-1)).toContain("10 usage events are lost at the end of the process");
  });
});

test.each([
  [{ batchSize: 0 }, `option "batchSize" must be a whole number from 1 to 5000, found 0`],
  [{ flushIntervalMillis: "20" }, `option "flushIntervalMillis" must be a whole number from 1 to 60000, found "20"`],
  [{ defaultTenant: "" }, `option "defaultTenant" must not be empty, found ""`],
  [{ colour: "red" }, `option "colour"`],
  [{ store: undefined }, `option "store" must be a store, such as sqliteStore({ file })`],
])("a wrong option %o is told at once", (wrong, message) => {
  expect(() => createLedger({ store: faultyStore(), ...wrong } as LedgerOptions)).toThrow(
    `[meterbridge] [ledger] ${message}`,
  );
});

test.each([
  [{ directory: "" }, `option "directory" must not be empty, found ""`],
  [{ directory: "spool", maxBytes: 0 }, `option "maxBytes" must be a whole number from 1 to ${2 ** 53 - 1}, found 0`],
  [{ directory: "spool", fsync: "always" }, `option "fsync" must be "batch", "interval" or "none", found "always"`],
])("a wrong option of the spool %o is told at once", (wrong, message) => {
  expect(() => openSpool(wrong as SpoolOptions)).toThrow(`[meterbridge] [ledger] [spool] ${message}`);
});
