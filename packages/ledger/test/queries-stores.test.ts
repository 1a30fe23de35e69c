import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { audit } from "../src/proof/audit.ts";
import { exportRows } from "../src/proof/export-rows.ts";
import type { LedgerRow } from "../src/ledger-row.ts";
import type { LedgerStore } from "../src/ledger-store.ts";
import { postgresqlStore } from "../src/postgresql.ts";
import { reprice } from "../src/proof/reprice.ts";
import { sqliteStore } from "../src/sqlite/sqlite-store.ts";
import { usageQueries } from "../src/queries/usage-queries.ts";
import { findPostgresql, type PostgresqlServer, startPostgresql } from "./support/postgresql-server.ts";
import { openMemoryStore, unpricedCall, usageRow } from "./support/queries-rows.ts";

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

/** The yardstick is the store in memory, which keeps no rollups and adds its rows up for each question. */
async function expectSameAnswers(
  store: LedgerStore,
  rows: LedgerRow[],
  timeZone: string,
  price: bigint,
): Promise<void> {
  const memory = openMemoryStore();
  await store.append(rows);
  await memory.append(rows);
  expect(await allAnswers(store, timeZone)).toEqual(await allAnswers(memory, timeZone));

  const priceBook = { name: "house", price: ({ inputTokens }: { inputTokens: number }) => BigInt(inputTokens) * price };
  const window = { from: "2026-10-01", to: "2026-11-30" };
  expect(await reprice(store, { ...window, priceBook })).toEqual(await reprice(memory, { ...window, priceBook }));
  expect((await reprice(store, { ...window, priceBook })).corrected).toBe(0);
  expect(await allAnswers(store, timeZone)).toEqual(await allAnswers(memory, timeZone));
  expect(await text(store)).toBe(await text(memory));
  expect((await audit(store, window)).differences).toEqual([]);
}

const prices = fc.bigInt({ min: 0n, max: 5000n });

describe("SQLite and memory", () => {
  test("give the same answer to every question in any time zone, before and after repricing, and the audit is clean", async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(someRows, zones, prices, async (rows, timeZone, price) => {
        const store = sqliteStore({ file: path.join(directory, `${run++}.db`) });
        try {
          await store.open();
          await expectSameAnswers(store, rows, timeZone, price);
        } finally {
          await store.close();
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

describe("an audit of a SQLite file that somebody changed by hand", () => {
  test.each([
    [
      "update usage_days set cost_nano_usd = cost_nano_usd + 1",
      /^usage_days of tenant "acme" at 2026-11-21T00:00:00.000Z, .*: cost_nano_usd is 2250001 in the rollup, and its rows add up to 2250000$/,
    ],
    [
      "delete from usage_quarters",
      /^usage_quarters of tenant "acme" at 2026-11-21T10:00:00.000Z, .*: events is 0 in the rollup, and its rows add up to 1$/,
    ],
    [
      "delete from usage_events",
      /^usage_kind_hours of tenant "acme" .*: input_tokens is 1000 in the rollup, and its rows add up to 0$/,
    ],
  ])("names what does not add up any more: %s", async (statement, expected) => {
    const file = path.join(directory, `changed-${statement.length}.db`);
    const store = sqliteStore({ file });
    await store.open();
    await store.append([usageRow(1, "2026-11-21T10:00:00Z")]);
    const window = { from: "2026-11-01", to: "2026-11-30" };
    expect((await audit(store, window)).clean).toBe(true);
    const database = new DatabaseSync(file);
    database.exec(statement);
    database.close();
    const { clean, differences } = await audit(store, window);
    await store.close();
    expect(clean).toBe(false);
    expect(differences.map(({ what }) => what)).toContainEqual(expect.stringMatching(expected));
  });
});

describe.skipIf(findPostgresql() === undefined)("PostgreSQL and memory", () => {
  let server: PostgresqlServer;
  beforeAll(async () => void (server = await startPostgresql()));
  afterAll(() => server.stop());

  test("give the same answer to every question in any time zone, before and after repricing, and the audit is clean", async () => {
    await fc.assert(
      fc.asyncProperty(someRows, zones, prices, async (rows, timeZone, price) => {
        const store = postgresqlStore({ url: await server.createDatabase() });
        try {
          await store.open();
          await expectSameAnswers(store, rows, timeZone, price);
        } finally {
          await store.close();
        }
      }),
      { numRuns: 3 },
    );
  }, 120_000);
});
