import { diag } from "@opentelemetry/api";
import { ledgerRow, memoryStore } from "@meterbridge/testkit";
import { afterEach, expect, test } from "vitest";
import { until } from "../../../test/support/servers.ts";
import { createLedger } from "../src/ledger.ts";
import { startRetention } from "../src/retention.ts";

afterEach(() => diag.disable());

const november = Date.UTC(2026, 10, 21);

test("rows older than the months to keep are forgotten, and their sums are not", async () => {
  const store = memoryStore();
  await store.open();
  const occurred = [Date.UTC(2026, 7, 31, 23), Date.UTC(2026, 8, 1), november];
  await store.append(occurred.map((time) => ledgerRow({ tenant: "acme", occurredAt: time, capturedAt: time })));
  const end = startRetention(store, 2, () => new Date(november));
  await until(async () => (await store.retainedFrom())?.getTime() === Date.UTC(2026, 8, 1), "the rows to be forgotten");
  end();
  const rows = await store.rows({ tenant: "acme", order: "oldest-first", limit: 10 });
  expect(rows.map((row) => row.occurredAt)).toEqual(occurred.slice(1));
  const boundaries = [Date.UTC(2026, 0, 1), Date.UTC(2027, 0, 1)];
  expect((await store.sums({ boundaries }))[0]?.sums.events).toBe(3);
});

test("a ledger that was not told to forget keeps all rows", async () => {
  const store = memoryStore();
  const ledger = createLedger({ store });
  await ledger.flush();
  expect(await store.retainedFrom()).toBeUndefined();
  await ledger.close();
});

test("a ledger that was told to forget does so by itself", async () => {
  const store = memoryStore();
  const ledger = createLedger({ store, retentionMonths: 13 });
  await until(() => store.retainedFrom(), "the horizon to be set");
  await ledger.close();
});

test("a store that cannot forget is told once, and does not reach the app", async () => {
  const told: string[] = [];
  const tell = (line: string): void => void told.push(line);
  diag.setLogger({ error: tell, warn: tell, info: () => {}, debug: () => {}, verbose: () => {} });
  const end = startRetention({ ...memoryStore(), retain: () => Promise.reject(new Error("locked")) }, 3);
  await until(() => told.length === 1, "the trouble to be told");
  end();
  expect(told).toEqual(["[meterbridge] [ledger] rows older than 3 months stay for now: locked"]);
});
