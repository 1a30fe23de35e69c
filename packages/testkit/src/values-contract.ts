import type { LedgerRow } from "@meterbridge/ledger";
import { expect, test } from "vitest";
import { ledgerRow } from "./builders.ts";
import { type LedgerStoreHarness, withStore } from "./harness.ts";
import { sumsOn } from "./sums-of.ts";
import { walkRows } from "./walk-rows.ts";

const moment = Date.UTC(2026, 4, 12, 9, 30);

const nullable = [
  "employee",
  "project",
  "process",
  "execution",
  "user",
  "provider",
  "model",
  "name",
  "inputTokens",
  "outputTokens",
  "cacheReadTokens",
  "cacheWriteTokens",
  "reasoningTokens",
  "costNanoUsd",
  "priceBook",
  "inferenceMicros",
  "queueMicros",
  "errorType",
  "corrects",
  "responseModel",
  "serviceTier",
] as const satisfies (keyof LedgerRow)[];

/** Every column with a value. */
const full: Partial<LedgerRow> = { name: "lookup", errorType: "timeout", corrects: "another", isSuccess: false };

const hostileTexts: readonly string[] = [
  `quotes ' " \` '' ""`,
  "braces {} {a,b} {NULL} [1]",
  String.raw`backslashes \ \\ \n \u0000 \'`,
  "'); DROP TABLE usage_events; --",
  "$1 ?1 :name @name %s %",
  "NULL",
  " spaces \t\r\n ",
  "0",
  "-1.50",
  "true",
  "emoji 🧮👩‍👩‍👧 and combined e\u0301",
  "\uFFFD\uFFFE\uFEFF\u202E",
  "\u0001\u001F\u007F",
  "İıß straße STRASSE",
];

export function testValues(harness: LedgerStoreHarness): void {
  test("every column comes back as it was written, known or not, so that no export makes nothing out of null", () =>
    withStore(harness, async (store) => {
      const known = ledgerRow({ ...full, occurredAt: moment });
      const unknown: LedgerRow = { ...ledgerRow({ occurredAt: moment + 1 }), ...allNull() };
      const rows = nullable.map((name, index) => ({
        ...ledgerRow({ ...full, occurredAt: moment + 2 + index }),
        [name]: null,
      }));
      await store.append([known, unknown, ...rows]);
      expect(await walkRows(store, { tenant: "acme", limit: 100 })).toEqual([known, unknown, ...rows]);
    }));

  test("a model call that used nothing and cost nothing stays apart from one of which nothing is known", () =>
    withStore(harness, async (store) => {
      const nothing = { inputTokens: 0, outputTokens: 0, costNanoUsd: 0n, inferenceMicros: 0, queueMicros: 0 } as const;
      const zero = ledgerRow({ ...nothing, occurredAt: moment });
      await store.append([zero]);
      expect(await walkRows(store, { tenant: "acme", limit: 10 })).toEqual([zero]);
      expect(await sumsOn(store, moment)).toMatchObject({ events: 1, timed: 1, costNanoUsd: 0n });
    }));

  test("every kind, cost status and usage source is taken", () =>
    withStore(harness, async (store) => {
      const kinds = ["llm_call", "task", "tool_call"] as const;
      const statuses = ["priced", "provider", "estimated", "unpriced", "none"] as const;
      const sources = ["provider", "partial", "estimated", "none"] as const;
      const rows = Array.from({ length: 60 }, (_, index) =>
        ledgerRow({
          occurredAt: moment + index,
          kind: kinds[index % 3]!,
          costStatus: statuses[index % 5]!,
          usageSource: sources[index % 4]!,
          attempts: index,
        }),
      );
      await store.append(rows);
      expect(await walkRows(store, { tenant: "acme", limit: 100 })).toEqual(rows);
      // 12 have an estimated cost; of the others half have estimated or partial usage.
      expect(await sumsOn(store, moment)).toMatchObject({ estimated: 36, unpriced: 12 });
    }));

  test("a customer whose name is code, quotes or emoji is stored, found and billed under exactly that name", () =>
    withStore(harness, async (store) => {
      const start = moment - (moment % 86_400_000);
      for (const text of hostileTexts) {
        const named = { ...longTexts(() => text), capturedAt: 0 };
        const row: LedgerRow = { ...ledgerRow({ occurredAt: moment, costNanoUsd: 7n }), ...named };
        const beside = { occurredAt: moment, tenant: `${text}.`, employee: text.toUpperCase(), costNanoUsd: 1n };
        expect(await store.append([row, ledgerRow(beside)]), text).toMatchObject({ written: 2 });
        expect(await store.append([row]), text).toMatchObject({ duplicates: 1 });

        expect(await store.rows({ tenant: text, order: "newest-first", limit: 2 })).toEqual([row]);
        const filter = { project: text, process: text };
        expect(await store.rows({ tenant: text, filter, order: "oldest-first", limit: 2 })).toEqual([row]);
        const all = { tenant: text, employee: text, project: text, provider: text, model: text };
        const query = { boundaries: [start, start + 86_400_000], filter: all, groupBy: ["tenant", "model"] as const };
        const expected = [{ group: { tenant: text, model: text }, sums: { costNanoUsd: 7n } }];
        expect(await store.sums(query), text).toMatchObject(expected);
        const employees = [{ tenant: text, employee: text }];
        expect(await store.totals({ employees })).toMatchObject([{ ...employees[0], sums: { costNanoUsd: 7n } }]);
      }
      const tenants = hostileTexts.flatMap((text) => [text, `${text}.`]);
      expect((await store.tenants()).toSorted()).toEqual(tenants.toSorted());
    }));

  test("a row whose texts are all as long as they may be is kept: a long prompt name cannot stop the ledger", () =>
    withStore(harness, async (store) => {
      const rows = ["x", "é", "漢", "🧮"].map((unit, index) => {
        const text = unit.repeat(Math.floor(255 / unit.length));
        return {
          ...ledgerRow({ occurredAt: moment + index }),
          ...longTexts(() => text),
          tenant: "acme",
          capturedAt: 0,
        };
      });
      // What no index can compress.
      const random = { ...ledgerRow({ occurredAt: moment + 4 }), ...longTexts(ideographs), capturedAt: 0 };
      expect(await store.append([...rows, random])).toMatchObject({ written: 5 });
      expect(await walkRows(store, { tenant: "acme", limit: 10 })).toEqual(rows);
      expect(await walkRows(store, { tenant: random.tenant, limit: 10 })).toEqual([random]);
      const { tenant, employee, project, provider, model } = random;
      expect(await sumsOn(store, moment, { tenant, employee, project, provider, model })).toMatchObject({ events: 1 });
    }));

  test("a filter that no ledger can hold finds nothing, instead of somebody else's usage or an error", () =>
    withStore(harness, async (store) => {
      await store.append([ledgerRow({ occurredAt: moment, tenant: "\uFFFD" }), ledgerRow({ occurredAt: moment })]);
      for (const tenant of ["acme\0", "\uD800", "ACME", "acme ", ""]) {
        expect(await sumsOn(store, moment, { tenant })).toBeUndefined();
        expect(await store.rows({ tenant, order: "newest-first", limit: 5 })).toEqual([]);
        expect(await store.totals({ tenants: [tenant] })).toEqual([]);
        expect(await store.totals({ employees: [{ tenant, employee: "ada" }] })).toEqual([]);
      }
    }));
}

const textColumns = [
  "tenant",
  "eventId",
  "employee",
  "project",
  "process",
  "execution",
  "user",
  "provider",
  "model",
  "name",
  "priceBook",
  "errorType",
  "responseModel",
  "serviceTier",
] as const;

function allNull(): Partial<LedgerRow> {
  return Object.fromEntries(nullable.map((name) => [name, null]));
}

function longTexts(make: (seed: number) => string): Record<(typeof textColumns)[number], string> {
  return Object.fromEntries(textColumns.map((name, index) => [name, make(index)])) as ReturnType<typeof longTexts>;
}

/** 255 characters of three bytes each, the same for the same seed. */
function ideographs(seed: number): string {
  let state = seed + 1;
  return Array.from({ length: 255 }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return String.fromCharCode(0x4e00 + ((state >>> 8) % 0x5000));
  }).join("");
}
