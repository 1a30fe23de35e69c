import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { audit } from "../src/audit.ts";
import { exportRows } from "../src/export-rows.ts";
import type { LedgerRow } from "../src/ledger-row.ts";
import type { LedgerStore } from "../src/ledger-store.ts";
import { reprice } from "../src/reprice.ts";
import { sqliteStore } from "../src/sqlite-store.ts";
import { usageQueries } from "../src/usage-queries.ts";
import { openMemoryStore, unpricedCall, usageRow } from "./queries-rows.ts";

const directory = mkdtempSync(path.join(tmpdir(), "meterbridge-queries-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const first = Date.parse("2026-10-20T00:00:00Z");
const last = Date.parse("2026-11-25T00:00:00Z");
const now = Date.parse("2026-11-21T17:37:00Z");
const quoted = "o'brien \"; --";

/** Rows whose times are on and beside the boundaries of quarters, hours and days, of several zones. */
const someRows: fc.Arbitrary<LedgerRow[]> = fc
  .array(
    fc.record({
      at: fc.oneof(
        fc.integer({ min: first, max: last }),
        fc
          .tuple(fc.integer({ min: first / 900_000, max: last / 900_000 }), fc.constantFrom(-1, 0, 1))
          .map(([quarter, by]) => quarter * 900_000 + by),
      ),
      fields: fc.record({
        tenant: fc.constantFrom("acme", "globex", quoted),
        employee: fc.constantFrom("ada", "bo", null),
        project: fc.constantFrom("search", quoted, null),
        provider: fc.constantFrom("openai", "anthropic", null),
        model: fc.constantFrom("gpt-5", null),
        kind: fc.constantFrom<LedgerRow["kind"][]>("llm_call", "task", "tool_call"),
        isSuccess: fc.boolean(),
        inferenceMicros: fc.option(fc.integer({ min: 0, max: 1e9 })),
        usageSource: fc.constantFrom<LedgerRow["usageSource"][]>("provider", "estimated"),
      }),
      isPriced: fc.boolean(),
    }),
    { minLength: 1, maxLength: 120 },
  )
  .map((all) =>
    all.map(({ at, fields, isPriced }, index) => usageRow(index, at, { ...fields, ...(isPriced ? {} : unpricedCall) })),
  );

const zones = fc.constantFrom(
  "UTC",
  "Europe/Berlin",
  "Asia/Kathmandu",
  "America/St_Johns",
  "Pacific/Chatham",
  "Australia/Lord_Howe",
);

async function allAnswers(store: LedgerStore, timeZone: string): Promise<Record<string, unknown>> {
  const queries = usageQueries(store, { timeZone, now: () => now });
  const range = { from: "2026-10-21", to: "2026-11-21" };
  return {
    summary: await queries.summary(range),
    quoted: await queries.summary({ ...range, tenant: quoted, project: quoted }),
    unknown: await queries.summary({ ...range, employee: null, project: null }),
    byModel: await queries.byModel({ ...range, tenant: "acme" }),
    hours: await queries.timeline({ step: "hour", days: 33, tenant: "acme" }),
    days: await queries.timeline({ step: "day", days: 40 }),
    weeks: await queries.timeline({ step: "week", days: 40, project: "search" }),
    overview: await queries.overview(),
    tenants: await queries.usage({ year: 2026, by: "tenant" }),
    employees: await queries.usage({ year: 2026, month: 10, by: "employee" }),
    daily: await queries.usage({ year: 2026, month: 11, by: "day" }),
    top: await queries.topTenants({ ...range, by: "cost", limit: 2 }),
    errors: await queries.errors(range),
    latest: await queries.latest({ tenant: "acme", limit: 7, errorsOnly: true }),
  };
}

async function text(store: LedgerStore): Promise<string> {
  let all = "";
  for await (const chunk of exportRows(store, { from: "2026-10-01", to: "2026-11-30", format: "ndjson" })) all += chunk;
  return all;
}

describe("SQLite and memory", () => {
  test("give the same answer to every question in any time zone, before and after repricing, and the audit is clean", async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(someRows, zones, fc.bigInt({ min: 0n, max: 5000n }), async (rows, timeZone, nanoUsdPerToken) => {
        const sqlite = sqliteStore({ file: path.join(directory, `${run++}.db`) });
        const memory = openMemoryStore();
        try {
          await sqlite.open();
          for (const store of [sqlite, memory]) await store.append(rows);
          expect(await allAnswers(sqlite, timeZone)).toEqual(await allAnswers(memory, timeZone));

          const priceBook = {
            name: "house",
            price: ({ inputTokens }: { inputTokens: number }) => BigInt(inputTokens) * nanoUsdPerToken,
          };
          const window = { from: "2026-10-01", to: "2026-11-30" };
          expect(await reprice(sqlite, { ...window, priceBook })).toEqual(
            await reprice(memory, { ...window, priceBook }),
          );
          expect((await reprice(sqlite, { ...window, priceBook })).corrected).toBe(0);
          expect(await allAnswers(sqlite, timeZone)).toEqual(await allAnswers(memory, timeZone));
          expect(await text(sqlite)).toBe(await text(memory));
          expect((await audit(sqlite, window)).differences).toEqual([]);
        } finally {
          await sqlite.close();
        }
      }),
      { numRuns: 4 },
    );
  }, 120_000);

  test("page the latest rows alike", async () => {
    const sqlite = sqliteStore({ file: path.join(directory, "pages.db") });
    const memory = openMemoryStore();
    await sqlite.open();
    const rows = Array.from({ length: 50 }, (_, index) => usageRow(index, now - (index % 4)));
    const pages: string[][] = [];
    for (const store of [sqlite, memory]) {
      await store.append(rows);
      const ids: string[] = [];
      let cursor: string | null = null;
      do {
        const page = await usageQueries(store).latest({
          tenant: "acme",
          limit: 7,
          ...(cursor === null ? {} : { cursor }),
        });
        ids.push(...page.rows.map(({ eventId }) => eventId));
        cursor = page.cursor;
      } while (cursor !== null);
      pages.push(ids);
    }
    await sqlite.close();
    expect(pages[0]).toEqual(pages[1]);
    expect(new Set(pages[0]).size).toBe(50);
  });
});
