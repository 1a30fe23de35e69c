import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { diag, DiagLogLevel, metrics } from "@opentelemetry/api";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { afterEach, beforeEach, expect, test } from "vitest";
import { until } from "../../../test/support/servers.ts";
import { createLedger, type Ledger } from "../src/ledger.ts";
import type { LedgerOptions } from "../src/ledger-options.ts";
import { openSpool } from "../src/spool/spool.ts";
import { eventsOf } from "./support/chaos-events.ts";
import { readMeters } from "./support/chaos-meters.ts";
import { chaosDirectory } from "./support/chaos-run.ts";
import { faultyStore, type FaultyStore } from "./support/faulty-store.ts";

// What the tests with real servers found in the way from memory to store and spool, each shown with a store that fails on command.

let reader: PeriodicExportingMetricReader;
let told: string[];

beforeEach(() => {
  told = [];
  const tell = (message: string): void => void told.push(message);
  diag.setLogger(
    { error: tell, warn: tell, info: () => {}, debug: () => {}, verbose: () => {} },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
});

afterEach(() => {
  diag.disable();
  metrics.disable();
});

async function open(options: Partial<LedgerOptions> = {}): Promise<{ ledger: Ledger; store: FaultyStore }> {
  const store = faultyStore();
  const spool = openSpool({ directory: path.join(await chaosDirectory(), "spool") });
  return { ledger: createLedger({ flushIntervalMillis: 5, batchSize: 10, spool, ...options, store }), store };
}

/** Twelve events for each ten numbers. */
function write(ledger: Ledger, from: number, to: number): number {
  let written = 0;
  for (let number = from; number < to; number++) {
    for (const event of eventsOf({ name: "delivery", at: Date.now() }, number)) {
      ledger.write(event);
      written += 1;
    }
  }
  return written;
}

test("flushes during an outage copy what is under way once, and no meter goes below zero when the copies arrive", async () => {
  const { ledger, store } = await open({ appendTimeoutMillis: 300 });
  store.fault = "hangs";
  const events = write(ledger, 0, 30);
  for (let round = 0; round < 4; round++) expect(await ledger.flush(20)).toBe(true);
  expect(ledger.status()).toMatchObject({ queued: 0, waiting: events, spooled: events });
  await until(() => ledger.status().state === "down", "the deadline of the append");
  store.fault = "none";
  await until(() => ledger.status().waiting === 0, "the copies to arrive");
  expect(store.kept.size).toBe(events);
  await ledger.close();
  expect(ledger.status()).toMatchObject({ written: events, lost: 0, replayed: events });
  expect(await readMeters(reader)).toMatchObject({
    "meterbridge.ledger.waiting": 0,
    "meterbridge.ledger.spooled": events,
    "meterbridge.ledger.replayed": events,
    "meterbridge.ledger.events written": events,
  });
});

test("what neither store nor spool takes at the close is counted as lost, and not only told", async () => {
  const { ledger, store } = await open({ spool: undefined, appendTimeoutMillis: 60_000 });
  store.fault = "hangs";
  const events = write(ledger, 0, 30);
  await ledger.close(50);
  expect(ledger.status()).toMatchObject({ lost: events, queued: 0 });
  expect(await readMeters(reader)).toEqual({
    "meterbridge.ledger.events lost": events,
    "meterbridge.ledger.waiting": 0,
  });
});

test("an append that fails after the close is no trouble any more: its rows have been kept", async () => {
  const { ledger, store } = await open({ appendTimeoutMillis: 200 });
  store.fault = "hangs";
  write(ledger, 0, 30);
  await ledger.close(50);
  await sleep(300);
  expect(told).toEqual([]);
  expect(ledger.status()).toMatchObject({ state: "closed", lost: 0 });
});

test("a store that gives no answer holds up the end of the process once, not for every batch", async () => {
  const { ledger, store } = await open({ appendTimeoutMillis: 60_000 });
  let asked = 0;
  store.appendSync = () => {
    asked += 1;
    return undefined;
  };
  store.fault = "hangs";
  write(ledger, 0, 100);
  const listener = process.listeners("exit").at(-1) as () => void;
  listener();
  expect(asked).toBe(1);
  expect(told).toEqual([]);
  await ledger.close(50);
});
