import { expect, test } from "vitest";
import { ledgerRow } from "./builders.ts";
import { type LedgerStoreHarness, withStore } from "./harness.ts";
import { inOrder, moneyOf, sumsOn } from "./sums-of.ts";
import { uuidV7 } from "./uuid-v7.ts";
import { walkRows } from "./walk-rows.ts";

const day = 86_400_000;
const march = Date.UTC(2026, 2, 20, 9, 30);
const april = Date.UTC(2026, 3, 20, 9, 30);
const whole = { from: Date.UTC(2026, 2, 1), to: Date.UTC(2026, 4, 1) };

export function testKeeping(harness: LedgerStoreHarness): void {
  test("a recount finds nothing to complain about after duplicates, corrections and late rows", () =>
    withStore(harness, async (store) => {
      const rows = Array.from({ length: 60 }, (_, index) =>
        ledgerRow({
          occurredAt: march + Math.floor(index / 4) * 3_600_000 * 7,
          tenant: ["acme", "globex"][index % 2]!,
          employee: ["ada", null][index % 2]!,
          costNanoUsd: index % 5 === 0 ? null : BigInt(index) * 1_000_000_000_000n,
          inferenceMicros: index % 3 === 0 ? null : index,
          isSuccess: index % 7 !== 0,
          corrects: index % 11 === 0 ? "another" : null,
        }),
      );
      for (let start = 0; start < rows.length; start += 15) await store.append(rows.slice(start, start + 25));
      await store.append(rows.toReversed());
      expect(await store.recount(whole)).toEqual([]);
      expect(await store.recount({ ...whole, tenant: "globex" })).toEqual([]);
      expect(await store.recount({ from: whole.to, to: whole.to + day })).toEqual([]);
    }));

  test("the months that are kept are kept, the others are gone, and what they cost is still known", () =>
    withStore(harness, async (store) => {
      const [old, kept] = [
        ledgerRow({ occurredAt: march, costNanoUsd: 1n }),
        ledgerRow({ occurredAt: april, costNanoUsd: 10n }),
      ];
      const timeless = ledgerRow({ eventId: "no-uuid", occurredAt: march, costNanoUsd: 100n });
      await store.append([old, kept, timeless]);
      expect(await store.retainedFrom()).toBeUndefined();

      await store.retain(new Date(april));
      expect(await store.retainedFrom()).toEqual(new Date(Date.UTC(2026, 3, 1)));
      expect(await walkRows(store, { tenant: "acme", limit: 10 })).toEqual([timeless, kept]);
      expect(await moneyOf(store, march)).toBe(101n);
      expect(await moneyOf(store, april)).toBe(10n);
      expect(await store.totals({ tenants: ["acme"] })).toMatchObject([{ sums: { events: 3, costNanoUsd: 111n } }]);
      expect(await store.recount({ from: Date.UTC(2026, 3, 1), to: whole.to })).toEqual([]);
    }));

  test("a replay from a month that is gone is not billed again, since nobody can tell it from news", () =>
    withStore(harness, async (store) => {
      const [old, kept] = [ledgerRow({ occurredAt: march }), ledgerRow({ occurredAt: april })];
      const timeless = ledgerRow({ eventId: "no-uuid", occurredAt: march });
      const rows = [old, kept, timeless];
      await store.append(rows);
      await store.retain(new Date(april));
      const before = [await sumsOn(store, march), await sumsOn(store, april)];
      expect(await store.append(rows)).toEqual({ written: 0, duplicates: 2, expired: 1 });
      // The time in the id decides, not the time it happened.
      const late = ledgerRow({ eventId: uuidV7(march), occurredAt: april });
      expect(await store.append([late])).toEqual({ written: 0, duplicates: 0, expired: 1 });
      expect([await sumsOn(store, march), await sumsOn(store, april)]).toEqual(before);

      const news = ledgerRow({ eventId: uuidV7(april), occurredAt: march });
      expect(await store.append([news])).toEqual({ written: 1, duplicates: 0, expired: 0 });
      expect(await sumsOn(store, march)).toMatchObject({ events: 3 });
    }));

  test("keeping more than before brings no month back: its rows would be billed as news", () =>
    withStore(harness, async (store) => {
      const old = ledgerRow({ occurredAt: march });
      await store.append([old]);
      await store.retain(new Date(april));
      await store.retain(new Date(march));
      expect(await store.retainedFrom()).toEqual(new Date(Date.UTC(2026, 3, 1)));
      expect(await store.append([old])).toEqual({ written: 0, duplicates: 0, expired: 1 });
      expect(await sumsOn(store, march)).toMatchObject({ events: 1 });
    }));

  if (harness.without?.includes("reopen") !== true) testReopening(harness);
  if (harness.without?.includes("tamper") !== true) testTampering(harness);
}

function testReopening(harness: LedgerStoreHarness): void {
  test("which months are gone is still known after a restart", () =>
    withStore(harness, async (store, { reopen }) => {
      const old = ledgerRow({ occurredAt: march });
      await store.append([old]);
      await store.retain(new Date(april));
      await store.close();
      const again = await reopen();
      await again.open();
      expect(await again.retainedFrom()).toEqual(new Date(Date.UTC(2026, 3, 1)));
      expect(await again.append([old])).toEqual({ written: 0, duplicates: 0, expired: 1 });
      await again.close();
    }));
}

function testTampering(harness: LedgerStoreHarness): void {
  const openai = { kind: "llm_call", provider: "openai", model: "gpt-5" };
  const everything = { ...openai, employee: "ada", project: "search" };
  const levels = [
    // What is longer than a day is held against days, so those that were changed differ from it.
    { table: "usage_days", size: day, group: everything, after: ["usage_totals"] },
    { table: "usage_model_days", size: day, group: openai, after: ["usage_model_blocks"] },
    { table: "usage_model_blocks", size: 28 * day, group: openai, after: ["usage_model_blocks"] },
    { table: "usage_kind_days", size: day, group: { kind: "llm_call" }, after: [] },
    { table: "usage_kind_hours", size: 3_600_000, group: { kind: "llm_call" }, after: [] },
    { table: "usage_quarters", size: 900_000, group: everything, after: [] },
  ];

  test.each(levels)(
    "money that was changed in $table is found, with the bucket and both amounts",
    ({ table, size, group, after }) =>
      withStore(harness, async (store, { tamper }) => {
        await store.append([ledgerRow({ occurredAt: march, costNanoUsd: 500n }), ledgerRow({ occurredAt: april })]);
        await store.append([ledgerRow({ occurredAt: march, tenant: "globex", costNanoUsd: 500n })]);
        await tamper(
          `UPDATE ${table} SET cost_nano_usd = cost_nano_usd - 1 WHERE tenant = 'acme' AND cost_nano_usd = 500`,
        );
        const found = (await store.recount(whole)).filter((difference) => difference.table === table);
        expect(found).toEqual([
          {
            table,
            tenant: "acme",
            bucketAt: march - (march % size),
            group,
            columns: { cost_nano_usd: { rows: 500n, rollup: 499n } },
          },
        ]);
        expect(await store.recount({ ...whole, tenant: "globex" })).toEqual([]);
        const later = await store.recount({ from: march - (march % day) + day, to: whole.to });
        expect(later.map((difference) => difference.table)).toEqual(after);
      }),
  );

  test("a bucket that is gone, one that nobody asked for, and totals that do not fit the days are found", () =>
    withStore(harness, async (store, { tamper }) => {
      await store.append([
        ledgerRow({ occurredAt: march, employee: null, costNanoUsd: 5n }),
        ledgerRow({ occurredAt: april }),
      ]);
      await tamper("UPDATE usage_totals SET events = events + 3 WHERE employee = ''");
      await tamper(`DELETE FROM usage_quarters WHERE employee = ''`);
      await tamper("UPDATE usage_kind_hours SET kind = 'task' WHERE cost_nano_usd = 5");
      await tamper("DELETE FROM usage_model_blocks WHERE cost_nano_usd = 5");
      const found = await store.recount(whole);
      const shown = found.map(({ table, group, columns }) => [table, group.kind, columns["events"]]);
      expect(inOrder(shown)).toEqual([
        ["usage_kind_hours", "llm_call", { rows: 1n, rollup: 0n }],
        ["usage_kind_hours", "task", { rows: 0n, rollup: 1n }],
        ["usage_model_blocks", "llm_call", { rows: 1n, rollup: 0n }],
        ["usage_quarters", "llm_call", { rows: 1n, rollup: 0n }],
        ["usage_totals", "llm_call", { rows: 1n, rollup: 4n }],
      ]);
      expect(found.find(({ table }) => table === "usage_totals")).toMatchObject({
        bucketAt: null,
        group: { employee: null },
      });
    }));

  test("a row that was deleted or slipped in behind the ledger's back is found", () =>
    withStore(harness, async (store, { tamper }) => {
      await store.append([ledgerRow({ occurredAt: march }), ledgerRow({ occurredAt: april, costNanoUsd: 77n })]);
      await tamper("DELETE FROM usage_events WHERE cost_nano_usd = 77");
      const found = await store.recount(whole);
      const tables = ["usage_days", "usage_kind_days", "usage_kind_hours", "usage_model_days", "usage_quarters"];
      expect(found.map(({ table }) => table).toSorted()).toEqual(tables);
      expect(found[0]?.columns["cost_nano_usd"]).toEqual({ rows: 0n, rollup: 77n });
    }));
}
