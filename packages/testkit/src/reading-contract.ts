import { expect, test } from "vitest";
import { ledgerRow } from "./builders.ts";
import { type LedgerStoreHarness, withStore } from "./harness.ts";
import { inOrder } from "./sums-of.ts";
import { walkRows } from "./walk-rows.ts";

const moment = Date.UTC(2026, 4, 12, 9, 30);

export function testReading(harness: LedgerStoreHarness): void {
  test("totals are all of a tenant's usage by kind, and not one row of another tenant's", () =>
    withStore(harness, async (store) => {
      const year = 365 * 86_400_000;
      await store.append([
        ledgerRow({ occurredAt: moment, costNanoUsd: 1n }),
        ledgerRow({ occurredAt: moment - year, employee: null, costNanoUsd: 2n }),
        ledgerRow({ occurredAt: moment, kind: "task", costNanoUsd: 4n }),
        ledgerRow({ occurredAt: moment, tenant: "globex", costNanoUsd: 8n }),
        ledgerRow({ occurredAt: moment, tenant: "acme2", costNanoUsd: 16n }),
      ]);
      const tenants = await store.totals({ tenants: ["acme", "globex", "acme", "nobody"] });
      const found = tenants.map(({ tenant, employee, kind, sums }) => [tenant, employee, kind, sums.costNanoUsd]);
      expect(inOrder(found)).toEqual([
        ["acme", null, "llm_call", 3n],
        ["acme", null, "task", 4n],
        ["globex", null, "llm_call", 8n],
      ]);
      const employees = [
        { tenant: "acme", employee: "ada" },
        { tenant: "globex", employee: "bob" },
      ];
      const ofAda = await store.totals({ employees });
      const shown = ofAda.map(({ employee, kind, sums }) => [employee, kind, sums.costNanoUsd]);
      expect(inOrder(shown)).toEqual([
        ["ada", "llm_call", 1n],
        ["ada", "task", 4n],
      ]);
      expect(await store.totals({ tenants: [] })).toEqual([]);
      expect(await store.totals({ employees: [] })).toEqual([]);
    }));

  test("totals of a thousand tenants are one question", () =>
    withStore(harness, async (store) => {
      const tenants = Array.from({ length: 1000 }, (_, index) => `tenant-${index}`);
      await store.append(tenants.map((tenant) => ledgerRow({ occurredAt: moment, tenant })));
      expect(await store.totals({ tenants })).toHaveLength(1000);
      expect(await store.tenants()).toEqual(tenants.toSorted());
    }));

  test("tenants come in one order from every database: by code points, whatever its locale", () =>
    withStore(harness, async (store) => {
      const ordered = ["A", "B", "a", "a b", "ab", "b", "z", "Ä", "é", "漢", "\uFFFD", "🧮"];
      await store.append(ordered.toReversed().map((tenant) => ledgerRow({ occurredAt: moment, tenant })));
      expect(await store.tenants()).toEqual(ordered);
    }));

  test.each(["newest-first", "oldest-first"] as const)(
    "pages %s show every row once, also rows of the same millisecond that a page boundary parts",
    (order) =>
      withStore(harness, async (store) => {
        const rows = Array.from({ length: 25 }, (_, index) =>
          ledgerRow({ occurredAt: moment + Math.floor(index / 7) }),
        );
        const others = rows.map((row) => ({ ...row, tenant: "globex" }));
        await store.append([...rows, ...others]);
        const expected = rows.toSorted((a, b) => a.occurredAt - b.occurredAt || (a.eventId < b.eventId ? -1 : 1));
        if (order === "newest-first") expected.reverse();
        for (const limit of [1, 3, 25, 1000]) {
          expect(await walkRows(store, { tenant: "acme", order, limit })).toEqual(expected);
        }
        const within = { from: moment + 1, to: moment + 3 };
        const inside = expected.filter(({ occurredAt }) => occurredAt > moment && occurredAt < moment + 3);
        expect(await walkRows(store, { tenant: "acme", order, limit: 2, ...within })).toEqual(inside);
      }),
  );

  test.each(["newest-first", "oldest-first"] as const)(
    "rows that arrive while somebody turns the pages %s make no other row appear twice or be passed over",
    (order) =>
      withStore(harness, async (store) => {
        const rows = Array.from({ length: 20 }, (_, index) =>
          ledgerRow({ occurredAt: moment + Math.floor(index / 3) * 10 }),
        );
        await store.append(rows);
        let arrived = 0;
        const found = await walkRows(store, { tenant: "acme", order, limit: 3 }, async () => {
          if (arrived++ < 5) {
            await store.append([moment - 50, moment + 15, moment + 500].map((occurredAt) => ledgerRow({ occurredAt })));
          }
        });
        const ids = found.map(({ eventId }) => eventId);
        expect(new Set(ids).size).toBe(ids.length);
        expect(ids).toEqual(expect.arrayContaining(rows.map(({ eventId }) => eventId)));
      }),
  );

  test("a page is of the project, process and kind that were asked for, and of errors alone where only they were", () =>
    withStore(harness, async (store) => {
      const rows = Array.from({ length: 36 }, (_, index) =>
        ledgerRow({
          occurredAt: moment + index,
          project: ["search", "chat", null][index % 3]!,
          process: ["answer", null][index % 2]!,
          kind: (["llm_call", "task", "tool_call"] as const)[Math.floor(index / 3) % 3]!,
          isSuccess: index % 4 !== 0,
        }),
      );
      await store.append(rows);
      const page = (query: Partial<Parameters<typeof store.rows>[0]>): ReturnType<typeof walkRows> =>
        walkRows(store, { tenant: "acme", limit: 4, ...query });
      expect(await page({ filter: { project: "search" } })).toEqual(rows.filter((row) => row.project === "search"));
      expect(await page({ filter: { process: "answer" } })).toEqual(rows.filter((row) => row.process === "answer"));
      expect(await page({ filter: { kind: "task" } })).toEqual(rows.filter((row) => row.kind === "task"));
      expect(await page({ errorsOnly: true })).toEqual(rows.filter((row) => !row.isSuccess));
      const all = rows.filter((row) => row.project === "chat" && row.kind === "task" && !row.isSuccess);
      expect(all.length).toBeGreaterThan(0);
      expect(await page({ filter: { project: "chat", kind: "task" }, errorsOnly: true })).toEqual(all);
      expect(await page({ filter: { project: "chat" }, from: moment + 9, to: moment + 20 })).toEqual(
        rows.slice(9, 20).filter((row) => row.project === "chat"),
      );
      expect(await page({ filter: { project: "nothing" } })).toEqual([]);
    }));

  test("a page of no, or of broken, length is refused: it might be all rows", () =>
    withStore(harness, async (store) => {
      for (const limit of [0, -1, 1.5, Number.NaN, Infinity]) {
        const page = store.rows({ tenant: "acme", order: "newest-first", limit });
        await expect(page, String(limit)).rejects.toThrow("[meterbridge]");
      }
    }));
}
