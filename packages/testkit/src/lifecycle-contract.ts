import { expect, test } from "vitest";
import { ledgerRow } from "./builders.ts";
import { type LedgerStoreHarness, withStore } from "./harness.ts";
import { moneyOf } from "./sums-of.ts";

const moment = Date.UTC(2026, 4, 12, 9, 30);

export function testLifecycle(harness: LedgerStoreHarness): void {
  test("what is written and asked before the store is open waits for it, so that no start-up loses events", async () => {
    const { store, dispose } = await harness.create();
    try {
      const row = ledgerRow({ occurredAt: moment, costNanoUsd: 3n });
      const waiting = Promise.all([store.append([row]), store.tenants(), store.retainedFrom()]);
      await store.open();
      expect((await waiting)[0]).toEqual({ written: 1, duplicates: 0, expired: 0 });
      expect(await moneyOf(store, moment)).toBe(3n);
    } finally {
      await dispose();
    }
  });

  test("opening twice, at once and again, is one opening", () =>
    withStore(harness, async (store) => {
      await store.append([ledgerRow({ occurredAt: moment, costNanoUsd: 3n })]);
      await Promise.all([store.open(), store.open()]);
      expect(await moneyOf(store, moment)).toBe(3n);
    }));

  test("closing waits for what is under way, and may be done twice", () =>
    withStore(harness, async (store) => {
      const appends = Array.from({ length: 10 }, (_, index) =>
        store.append([ledgerRow({ occurredAt: moment + index })]),
      );
      const closed = store.close();
      const results = await Promise.all(appends);
      expect(results.every(({ written }) => written === 1)).toBe(true);
      await closed;
      await store.close();
    }));

  test("after the end nothing is taken any more, and nothing hangs: every call is told so", () =>
    withStore(harness, async (store) => {
      await store.close();
      const query = { tenant: "acme", order: "newest-first", limit: 1 } as const;
      const calls = [
        store.append([ledgerRow()]),
        store.sums({ boundaries: [0, 900_000] }),
        store.totals({ tenants: ["acme"] }),
        store.tenants(),
        store.rows(query),
        store.recount({ from: 0, to: 86_400_000 }),
        store.retain(new Date(moment)),
        store.retainedFrom(),
      ];
      const results = await Promise.allSettled(calls);
      expect(results.map(({ status }) => status)).toEqual(calls.map(() => "rejected"));
    }));

  test("a store that was never opened can be closed, and whoever waits for it gets an answer", async () => {
    const { store, dispose } = await harness.create();
    try {
      const waiting = Promise.allSettled([store.append([ledgerRow()]), store.tenants()]);
      await store.close();
      // Rejected, or done by a store that opened itself for it: but never left hanging.
      expect(await waiting).toHaveLength(2);
    } finally {
      await dispose();
    }
  });

  test("a store says what it is and where, without a password, for messages", () =>
    withStore(harness, async (store) => {
      expect(store.name).toMatch(/^[a-z][a-z0-9-]*$/);
      expect(store.location).not.toBe("");
      expect(store.location).not.toMatch(/\/\/[^/]*@|password|\?/i);
      expect(store.concurrency).toBeGreaterThanOrEqual(1);
    }));
}
