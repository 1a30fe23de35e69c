import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { diag, DiagLogLevel, metrics, type Meter } from "@opentelemetry/api";
import type { UsageEvent } from "@meterbridge/core";
import { usageEvent } from "@meterbridge/testkit";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { until } from "../../../test/support/servers.ts";
import { createLedger, type Ledger } from "../src/ledger.ts";
import type { LedgerOptions } from "../src/ledger-options.ts";
import { openLedger } from "../src/open-ledger.ts";
import { openSpool } from "../src/spool/spool.ts";
import { faultyStore, type FaultyStore } from "./support/faulty-store.ts";
import { toldLines } from "./support/spool-diag.ts";

// What an application around the ledger does that is no fault of the store.

let directory: string;
let ledgers: Ledger[];

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), "ledger-"));
  ledgers = [];
});

afterEach(async () => {
  await Promise.all(ledgers.map((ledger) => ledger.close(500)));
  diag.disable();
  rmSync(directory, { recursive: true });
});

function open(options: Partial<LedgerOptions> = {}): { ledger: Ledger; store: FaultyStore } {
  const store = faultyStore();
  const ledger = createLedger({ flushIntervalMillis: 5, ...options, store });
  ledgers.push(ledger);
  return { ledger, store };
}

function writeEvents(ledger: Ledger, count: number): void {
  for (let index = 0; index < count; index++) ledger.write(usageEvent({}));
}

test("a flush ends although events keep coming: it waits for what was written so far, and leaves the spool alone", async () => {
  const { ledger, store } = open({ spool: openSpool({ directory }), batchSize: 10 });
  const append = store.append.bind(store);
  store.append = async (rows) => {
    await sleep(20);
    return append(rows);
  };
  const traffic = setInterval(() => writeEvents(ledger, 3), 5);
  try {
    await until(() => store.kept.size > 20, "some traffic");
    const written = ledger.status().queued + store.kept.size;
    expect(await ledger.flush(5000)).toBe(true);
    expect(store.kept.size).toBeGreaterThanOrEqual(written);
    expect(ledger.status().spooled).toBe(0);
  } finally {
    clearInterval(traffic);
  }
});

test("what is written while a ledger closes is kept as well, without a spool too", async () => {
  const { ledger, store } = open({ batchSize: 10 });
  const append = store.append.bind(store);
  store.append = async (rows) => {
    await sleep(20);
    return append(rows);
  };
  writeEvents(ledger, 25);
  const closing = ledger.close();
  await sleep(30);
  writeEvents(ledger, 7);
  await closing;
  expect(store.kept.size).toBe(32);
  expect(ledger.status()).toMatchObject({ written: 32, lost: 0 });
});

test("a flush without a limit of time does not give up at once", async () => {
  const { ledger, store } = open();
  const append = store.append.bind(store);
  store.append = async (rows) => {
    await sleep(50);
    return append(rows);
  };
  writeEvents(ledger, 1);
  expect(await ledger.flush(Infinity)).toBe(true);
  expect(store.kept.size).toBe(1);
});

test("a logger that throws costs no event and does not end the application", async () => {
  const throws = (): never => {
    throw new Error("the logger is broken");
  };
  const logger = { error: throws, warn: throws, info: throws, debug: throws, verbose: throws };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  const { ledger, store } = open({ spool: openSpool({ directory }) });
  store.fault = "unavailable";
  writeEvents(ledger, 10);
  expect(await ledger.flush(1000)).toBe(true);
  store.fault = "none";
  await until(() => store.kept.size === 10, "the events to arrive");
});

test("an event that throws what has no text is refused like any other", async () => {
  const told = toldLines();
  const { ledger } = open();
  const trap = Object.defineProperty({}, "eventId", {
    get() {
      throw Object.create(null);
    },
  });
  ledger.write(trap as UsageEvent);
  expect(await ledger.flush()).toBe(true);
  expect(ledger.status()).toMatchObject({ refused: 1 });
  expect(told.join("\n")).toContain("was refused and is not kept");
});

test("what another exit listener records after the ledger's own is kept too", async () => {
  const { ledger, store } = open({ spool: openSpool({ directory }) });
  store.fault = "hangs";
  writeEvents(ledger, 3);
  (process.listeners("exit").at(-1) as () => void)();
  writeEvents(ledger, 2);
  expect(ledger.status()).toMatchObject({ spooled: 5, queued: 0, lost: 0 });
});

test("any number of ledgers in a process leaves Node.js without a warning of leaks, and no listener behind", async () => {
  const warned = vi.fn<(warning: Error) => void>();
  process.on("warning", warned);
  const before = process.listenerCount("exit") + process.listenerCount("beforeExit");
  const many = Array.from({ length: 30 }, () => open().ledger);
  await sleep(10);
  expect(warned.mock.calls.flat()).toEqual([]);
  process.off("warning", warned);
  await Promise.all(many.map((ledger) => ledger.close()));
  expect(process.listenerCount("exit") + process.listenerCount("beforeExit")).toBe(before);
});

test("a file of the spool that cannot be read is no reason to take the store for down", async () => {
  const told = toldLines();
  const spool = openSpool({ directory });
  const { ledger, store } = open({ spool });
  store.fault = "unavailable";
  writeEvents(ledger, 3);
  await ledger.flush();
  await ledger.close();
  const next = openSpool({ directory });
  const unreadable = vi.spyOn(next, "next").mockRejectedValue(new Error("cannot read it: EIO"));
  const { ledger: second, store: working } = open({ spool: next });
  await until(() => unreadable.mock.calls.length > 1, "a second try");
  writeEvents(second, 5);
  await second.flush();
  expect(second.status()).toMatchObject({ state: "ready", written: 5, spooled: 0 });
  expect(told.filter((line) => line.includes("does not take usage"))).toHaveLength(1);
  expect(told.filter((line) => line.includes("cannot read it: EIO"))).toHaveLength(1);
  unreadable.mockRestore();
  await until(() => working.kept.size === 8, "what was unreadable to be read");
});

test("an application that changes its directory after the start leaves no usage where nobody looks", async () => {
  const before = process.cwd();
  const [home, elsewhere] = ["home", "elsewhere"].map((name) => path.join(directory, name)) as [string, string];
  mkdirSync(home);
  mkdirSync(elsewhere);
  process.chdir(home);
  const ledger = openLedger({
    directory: "kept",
    store: "postgresql",
    databaseUrl: "postgresql://nobody@127.0.0.1:1/x",
  });
  process.chdir(elsewhere);
  try {
    ledger.write(usageEvent({}));
    await ledger.flush();
    expect(ledger.status()).toMatchObject({ waiting: 1 });
  } finally {
    process.chdir(before);
    await ledger.close();
  }
  const left = openSpool({ directory: path.join(home, "kept/spool") });
  expect((await left.adopt()).rows).toBe(1);
  await left.close();
});

test("what the store takes in the last moment is counted as written, and nowhere as waiting", async () => {
  const { ledger, store } = open();
  store.appendSync = (rows) => ({ written: rows.length, duplicates: 0, expired: 0 });
  writeEvents(ledger, 3);
  (process.listeners("exit").at(-1) as () => void)();
  expect(ledger.status()).toMatchObject({ written: 3, queued: 0, lost: 0 });
});

test("a meter provider that throws costs no event and does not end the application", async () => {
  const throws = (): never => {
    throw new Error("the meters are broken");
  };
  const meter = { createCounter: () => ({ add: throws }), createUpDownCounter: () => ({ add: throws }) };
  metrics.setGlobalMeterProvider({ getMeter: () => meter as unknown as Meter });
  try {
    const { ledger, store } = open({ spool: openSpool({ directory }) });
    writeEvents(ledger, 10);
    expect(await ledger.flush()).toBe(true);
    expect(ledger.status()).toMatchObject({ state: "ready", written: 10, spooled: 0 });
    expect(store.kept.size).toBe(10);
  } finally {
    metrics.disable();
  }
});
