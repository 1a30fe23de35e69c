import { expect, test } from "vitest";
import { ledgerRow } from "./builders.ts";
import { type LedgerStoreHarness, withStore } from "./harness.ts";
import { reasonOf } from "./store-error.ts";
import { moneyOf } from "./sums-of.ts";
import { walkRows } from "./walk-rows.ts";

const moment = Date.UTC(2026, 4, 12, 9, 30);

export function testWriting(harness: LedgerStoreHarness): void {
  const many = (count: number): ReturnType<typeof ledgerRow>[] =>
    Array.from({ length: count }, (_, index) => ledgerRow({ occurredAt: moment + index, costNanoUsd: 1n }));

  test("a batch that is sent again, as after a lost answer, is not billed twice", () =>
    withStore(harness, async (store) => {
      const rows = many(50);
      expect(await store.append(rows)).toEqual({ written: 50, duplicates: 0, expired: 0 });
      expect(await store.append(rows)).toEqual({ written: 0, duplicates: 50, expired: 0 });
      expect(await store.append([...rows, ...many(1)])).toEqual({ written: 1, duplicates: 50, expired: 0 });
      expect(await moneyOf(store, moment)).toBe(51n);
    }));

  test("an event that is twice in one batch is billed once", () =>
    withStore(harness, async (store) => {
      const [row] = many(1);
      expect(await store.append([row!, { ...row! }, row!])).toEqual({ written: 1, duplicates: 2, expired: 0 });
      expect(await moneyOf(store, moment)).toBe(1n);
    }));

  test("writers that send mostly the same events at once lose none and bill none twice", () =>
    withStore(harness, async (store) => {
      const rows = many(120);
      const batches = Array.from({ length: 12 }, (_, index) => {
        const batch = rows.slice(index * 5, index * 5 + 65);
        return index % 2 === 0 ? batch : batch.toReversed();
      });
      const results = await Promise.all(batches.map((batch) => store.append(batch)));
      expect(results.reduce((sum, { written }) => sum + written, 0)).toBe(120);
      expect(results.every(({ written, duplicates }) => written + duplicates === 65)).toBe(true);
      expect(await moneyOf(store, moment)).toBe(120n);
      expect(await walkRows(store, { tenant: "acme", limit: 50 })).toEqual(rows);
    }));

  test("the same event id in two tenants is two events: nobody's usage is somebody else's duplicate", () =>
    withStore(harness, async (store) => {
      const [row] = many(1);
      expect(await store.append([row!, { ...row!, tenant: "globex" }])).toMatchObject({ written: 2, duplicates: 0 });
      expect(await store.append([{ ...row!, tenant: "initech" }])).toMatchObject({ written: 1, duplicates: 0 });
      expect(await moneyOf(store, moment)).toBe(3n);
    }));

  test("an event that comes again with another time or content changes nothing: the first stays", () =>
    withStore(harness, async (store) => {
      const [row] = many(1);
      await store.append([row!]);
      const later = { ...row!, occurredAt: moment + 86_400_000 };
      const dearer = { ...row!, costNanoUsd: 999n, model: "other" };
      expect(await store.append([later, dearer])).toMatchObject({ written: 0, duplicates: 2 });
      expect(await walkRows(store, { tenant: "acme", limit: 10 })).toEqual([row]);
      expect(await moneyOf(store, moment)).toBe(1n);
      expect(await moneyOf(store, later.occurredAt)).toBe(0n);
    }));

  test("a batch with a row that no database takes is refused whole, so that it can be sent again in parts", () =>
    withStore(harness, async (store) => {
      const rows = many(3);
      const nobody = ledgerRow({ occurredAt: moment, tenant: null as unknown as string });
      const nameless = { ...ledgerRow({ occurredAt: moment }), eventId: null as unknown as string };
      const uncountable = ledgerRow({ occurredAt: moment, inputTokens: "many" as unknown as number });
      for (const wrong of [nobody, nameless, uncountable]) {
        const error: unknown = await store.append([rows[0]!, wrong, rows[1]!]).catch((caught: unknown) => caught);
        expect(reasonOf(error), String(error)).toBe("refused");
      }
      expect(await walkRows(store, { tenant: "acme", limit: 10 })).toEqual([]);
      expect(await moneyOf(store, moment)).toBe(0n);
      expect(await store.append(rows)).toMatchObject({ written: 3 });
    }));

  test("a refused batch takes no other down that is written at the same time", () =>
    withStore(harness, async (store) => {
      const wrong = ledgerRow({ occurredAt: moment, tenant: null as unknown as string });
      const rows = many(4);
      const results = await Promise.allSettled(
        [[rows[0]!], [wrong], [rows[1]!], [rows[2]!, wrong], [rows[3]!]].map((batch) => store.append(batch)),
      );
      const expected = ["fulfilled", "rejected", "fulfilled", "rejected", "fulfilled"];
      expect(results.map(({ status }) => status)).toEqual(expected);
      expect(await moneyOf(store, moment)).toBe(3n);
    }));

  test("an empty batch does nothing and is no fault", () =>
    withStore(harness, async (store) => {
      expect(await store.append([])).toEqual({ written: 0, duplicates: 0, expired: 0 });
    }));

  test("a batch of thousands of rows is not too many for the database's parameters", () =>
    withStore(harness, async (store) => {
      expect(await store.append(many(3000))).toMatchObject({ written: 3000 });
      expect(await moneyOf(store, moment)).toBe(3000n);
    }));

  test("what an exit listener says is written, is written", () =>
    withStore(harness, async (store) => {
      if (store.appendSync === undefined) {
        expect("appendSync" in store ? store.appendSync : undefined).toBeUndefined();
        return;
      }
      const rows = many(5);
      await store.append(rows.slice(0, 2));
      expect(store.appendSync(rows, 10_000)).toEqual({ written: 3, duplicates: 2, expired: 0 });
      expect(await walkRows(store, { tenant: "acme", limit: 10 })).toEqual(rows);
    }));

  if (harness.without?.includes("reopen") !== true) testReopening(harness, many);
}

function testReopening(harness: LedgerStoreHarness, many: (count: number) => ReturnType<typeof ledgerRow>[]): void {
  test("what was acknowledged is there after a restart, and is still known as written", () =>
    withStore(harness, async (store, { reopen }) => {
      const rows = many(20);
      await store.append(rows);
      await store.close();
      const again = await reopen();
      await again.open();
      expect(await walkRows(again, { tenant: "acme", limit: 50 })).toEqual(rows);
      expect(await moneyOf(again, moment)).toBe(20n);
      expect(await again.append(rows)).toMatchObject({ written: 0, duplicates: 20 });
      await again.close();
    }));

  test("two processes may write to one place: nothing is lost, nothing is billed twice, and each sees the other's rows", () =>
    withStore(harness, async (store, { reopen }) => {
      const other = await reopen();
      await other.open();
      const rows = many(200);
      const appends: Promise<{ written: number }>[] = [];
      for (let start = 0; start < rows.length; start += 20) {
        appends.push(
          store.append(rows.slice(start, start + 30)),
          other.append(rows.slice(start, start + 20).toReversed()),
        );
      }
      const results = await Promise.all(appends);
      expect(results.reduce((sum, { written }) => sum + written, 0)).toBe(200);
      expect(await moneyOf(store, moment)).toBe(200n);
      expect(await walkRows(other, { tenant: "acme", limit: 64 })).toEqual(rows);
      const day = moment - (moment % 86_400_000);
      expect(await other.recount({ from: day, to: day + 86_400_000 })).toEqual([]);
      await other.close();
    }));
}
