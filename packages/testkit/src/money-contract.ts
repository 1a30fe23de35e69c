import { expect, test } from "vitest";
import { ledgerRow } from "./builders.ts";
import { type LedgerStoreHarness, withStore } from "./harness.ts";
import { sumsOn } from "./sums-of.ts";
import { walkRows } from "./walk-rows.ts";

const moment = Date.UTC(2026, 4, 12, 9, 30);
const most = 9_000_000_000_000_000n;

export function testMoney(harness: LedgerStoreHarness): void {
  test("the largest amounts come back to the nano-dollar", () =>
    withStore(harness, async (store) => {
      const amounts = [most, -most, most - 1n, 1n - most, 1n, -1n, 9_007_199_254_740_991n];
      const rows = amounts.map((costNanoUsd, index) => ledgerRow({ occurredAt: moment + index, costNanoUsd }));
      await store.append(rows);
      expect(await walkRows(store, { tenant: "acme", limit: 10 })).toEqual(rows);
      expect((await sumsOn(store, moment))?.costNanoUsd).toBe(9_007_199_254_740_991n);
    }));

  test("an invoice beyond 2^53 nano-dollars, which is nine million dollars, is exact to the last digit", () =>
    withStore(harness, async (store) => {
      const row = (costNanoUsd: bigint, offset: number): ReturnType<typeof ledgerRow> =>
        ledgerRow({ occurredAt: moment + offset, costNanoUsd });
      // In one bucket and in many, in one batch and in several.
      await store.append([row(most, 0), row(most, 1), row(1n, 2)]);
      await store.append([row(most, 3), row(1n, 900_000)]);
      for (let index = 0; index < 20; index++) await store.append([row(most + 1n, -index * 900_000)]);
      const expected = 23n * most + 22n;
      expect((await sumsOn(store, moment))?.costNanoUsd).toBe(expected);
      const [total] = await store.totals({ tenants: ["acme"] });
      expect(total?.sums.costNanoUsd).toBe(expected);
    }));

  test("a correction changes the money and is no call of its own", () =>
    withStore(harness, async (store) => {
      const unpriced = ledgerRow({ occurredAt: moment, costNanoUsd: null, costStatus: "unpriced" });
      const dear = ledgerRow({ occurredAt: moment, costNanoUsd: 500n });
      await store.append([unpriced, dear]);
      const before = await sumsOn(store, moment);
      expect(before).toMatchObject({ records: 2, events: 2, unpriced: 1, costNanoUsd: 500n });

      const nothing = {
        inputTokens: null,
        outputTokens: null,
        cacheReadTokens: null,
        cacheWriteTokens: null,
        reasoningTokens: null,
      } as const;
      const priced = ledgerRow({
        ...nothing,
        occurredAt: moment,
        corrects: unpriced.eventId,
        costNanoUsd: 70n,
        unpriced: -1,
      });
      // As it might be copied from the event it corrects: none of this may count again.
      const cheaper = ledgerRow({
        ...nothing,
        occurredAt: moment,
        corrects: dear.eventId,
        costNanoUsd: -200n,
        costStatus: "estimated",
        isSuccess: false,
        inferenceMicros: 9,
        queueMicros: 9,
      });
      await store.append([priced, cheaper]);
      expect(await sumsOn(store, moment)).toEqual({ ...before, records: 4, unpriced: 0, costNanoUsd: 370n });
      const totals = await store.totals({ tenants: ["acme"] });
      expect(totals).toMatchObject([{ sums: { records: 4, events: 2, costNanoUsd: 370n } }]);
      expect(await walkRows(store, { tenant: "acme", limit: 10 })).toHaveLength(4);
    }));

  test("durations and tokens add up, and a call of unknown duration does not pull the average down", () =>
    withStore(harness, async (store) => {
      const unknown = { inferenceMicros: null, queueMicros: null, inputTokens: null, outputTokens: null };
      await store.append([
        ledgerRow({
          occurredAt: moment,
          inferenceMicros: 1_000_000_000_000,
          queueMicros: 5,
          inputTokens: 1_000_000_000_000,
        }),
        ledgerRow({ occurredAt: moment, inferenceMicros: 3, queueMicros: null, inputTokens: 1, isSuccess: false }),
        ledgerRow({ occurredAt: moment, ...unknown }),
      ]);
      expect(await sumsOn(store, moment)).toMatchObject({
        events: 3,
        successes: 2,
        errors: 1,
        timed: 2,
        inferenceMicros: 1_000_000_000_003,
        queueMicros: 5,
        inputTokens: 1_000_000_000_001,
        outputTokens: 600,
        reasoningTokens: 300,
      });
    }));
}
