import type { SumsQuery } from "@meterbridge/ledger";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ledgerRow } from "./builders.ts";
import { type LedgerStoreHarness, withStore } from "./harness.ts";
import { memoryStore } from "./memory-store.ts";
import { anyQuery, anyRow } from "./random-usage.ts";
import { inOrder, sorted, sumsOn } from "./sums-of.ts";

const quarter = 900_000;
const hour = 4 * quarter;

export function testSums(harness: LedgerStoreHarness): void {
  test("whatever is asked, rollups answer what the rows add up to: no filter, grouping or period bills something else", () =>
    withStore(harness, async (store) => {
      // Both keep growing over the runs, so that later ones meet fuller buckets.
      const yardstick = memoryStore();
      await yardstick.open();
      const rows = fc.array(anyRow, { maxLength: 60 });
      const queries = fc.array(anyQuery, { minLength: 1, maxLength: 6 });
      const equal = fc.asyncProperty(rows, queries, async (batch, asked) => {
        expect(await store.append(batch)).toEqual(await yardstick.append(batch));
        for (const query of asked) {
          expect(sorted(await store.sums(query))).toEqual(sorted(await yardstick.sums(query)));
        }
      });
      await fc.assert(equal, { numRuns: 30, endOnFailure: true });
      const tenants = await yardstick.tenants();
      expect(await store.tenants()).toEqual(tenants);
      const [found, wanted] = await Promise.all([store.totals({ tenants }), yardstick.totals({ tenants })]);
      expect(inOrder(found)).toEqual(inOrder(wanted));
    }));

  test("usage of nobody known is asked for by null, and is not left out where nothing is asked", () =>
    withStore(harness, async (store) => {
      const at = Date.UTC(2026, 4, 12);
      await store.append([
        ledgerRow({ occurredAt: at, employee: null, project: null, costNanoUsd: 1n }),
        ledgerRow({ occurredAt: at, project: null, costNanoUsd: 10n }),
        ledgerRow({ occurredAt: at, model: null, provider: null, costNanoUsd: 100n }),
      ]);
      expect(await sumsOn(store, at)).toMatchObject({ costNanoUsd: 111n });
      expect(await sumsOn(store, at, { employee: null })).toMatchObject({ costNanoUsd: 1n });
      expect(await sumsOn(store, at, { project: null })).toMatchObject({ costNanoUsd: 11n });
      expect(await sumsOn(store, at, { employee: "ada" })).toMatchObject({ costNanoUsd: 110n });
      expect(await sumsOn(store, at, { model: null, provider: null })).toMatchObject({ costNanoUsd: 100n });
      expect(await sumsOn(store, at, { employee: "null" })).toBeUndefined();
      const grouped = await store.sums({ boundaries: [at, at + hour], groupBy: ["employee", "project"] });
      const groups = sorted(grouped).map(({ group, sums }) => [group.employee, group.project, sums.costNanoUsd]);
      expect(groups).toEqual([
        ["ada", "search", 100n],
        ["ada", null, 10n],
        [null, null, 1n],
      ]);
    }));

  // Midnights of time zones, as the reader of a ledger computes them.
  test.each([
    ["23 hours when summer time begins in Berlin", "2026-03-28T23:00Z", "2026-03-29T22:00Z", 23],
    ["25 hours when summer time ends in Berlin", "2026-10-24T22:00Z", "2026-10-25T23:00Z", 25],
    ["24 hours in Kathmandu, which begin on a quarter hour", "2026-05-11T18:15Z", "2026-05-12T18:15Z", 24],
    ["24.5 hours when summer time ends on Lord Howe Island", "2026-04-04T13:00Z", "2026-04-05T13:30Z", 24.5],
  ])("a day of %s holds exactly its own events, and the days beside it theirs", (_day, from, to, hours) =>
    withStore(harness, async (store) => {
      const [start, end] = [Date.parse(from), Date.parse(to)];
      expect(end - start).toBe(hours * hour);
      const boundaries = [start - 24 * hour, start, end, end + 24 * hour];
      const rows = [];
      for (let at = start - 24 * hour; at < end + 24 * hour; at += quarter) {
        rows.push(ledgerRow({ occurredAt: at }), ledgerRow({ occurredAt: at + quarter - 1 }));
      }
      await store.append(rows);
      for (const groupBy of [[], ["employee"]] as const) {
        const found = sorted(await store.sums({ boundaries, groupBy })).map(({ period, sums }) => [
          period,
          sums.events,
        ]);
        expect(found).toEqual([
          [0, 192],
          [1, hours * 8],
          [2, 192],
        ]);
      }
    }),
  );

  test("a day of Berlin that is asked for while its last hours are written takes nothing away that it had not got", () =>
    withStore(harness, async (store) => {
      const midnight = Date.parse("2026-05-12T22:00Z");
      const boundaries = [midnight - 24 * hour, midnight, midnight + 24 * hour];
      const progress = { isWriting: true };
      const write = async (): Promise<void> => {
        for (let batch = 0; batch < 40; batch++) {
          await store.append([0, 1, 2].map((index) => ledgerRow({ occurredAt: midnight + index * quarter })));
        }
      };
      const writing = write().finally(() => (progress.isWriting = false));
      let before = 0;
      while (progress.isWriting) {
        const found = await store.sums({ boundaries, groupBy: ["kind"] });
        expect(found.filter(({ period }) => period === 0)).toEqual([]);
        const events = found.find(({ period }) => period === 1)?.sums.events ?? 0;
        // Batches of three, all or nothing.
        expect(events % 3).toBe(0);
        expect(events).toBeGreaterThanOrEqual(before);
        before = events;
      }
      await writing;
      expect(await store.sums({ boundaries })).toMatchObject([{ period: 1, sums: { events: 120 } }]);
    }));

  test("a year by the hour is one question: no chart is too long for the database's parameters", () =>
    withStore(harness, async (store) => {
      const start = Date.UTC(2026, 0, 1);
      const boundaries = Array.from({ length: 365 * 24 + 1 }, (_, index) => start + index * hour);
      await store.append([0, 5000, 8759].map((index) => ledgerRow({ occurredAt: start + index * hour })));
      const found = sorted(await store.sums({ boundaries, filter: { tenant: "acme" } }));
      expect(found.map(({ period }) => period)).toEqual([0, 5000, 8759]);
      const byEmployee = await store.sums({ boundaries, groupBy: ["employee"] });
      expect(byEmployee).toHaveLength(3);
    }));

  test("a question with boundaries that make no periods is refused, instead of answered wrong", () =>
    withStore(harness, async (store) => {
      const wrong = [[], [quarter], [0, quarter + 1], [hour, quarter], [hour, hour], [0, Number.NaN]];
      for (const boundaries of wrong) {
        await expect(store.sums({ boundaries }), String(boundaries)).rejects.toThrow("[meterbridge]");
      }
    }));

  test("periods in which nothing happened are not in the answer, and neither is what happened outside", () =>
    withStore(harness, async (store) => {
      const at = Date.UTC(2026, 4, 12);
      const query: SumsQuery = { boundaries: [at, at + hour, at + 2 * hour, at + 3 * hour] };
      expect(await store.sums(query)).toEqual([]);
      await store.append([at - 1, at + hour, at + 3 * hour].map((occurredAt) => ledgerRow({ occurredAt })));
      expect(await store.sums(query)).toMatchObject([{ period: 1, group: {}, sums: { events: 1 } }]);
    }));
}
