import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ledgerRow } from "@meterbridge/testkit";
import { contributionInSql } from "./read-contribution.ts";
import { ledgerColumns, valuesOf } from "../ledger-columns.ts";
import { contributionOf } from "../row-contribution.ts";
import { rollups, sums } from "../rollups.ts";
import { createStoreReader, type StoreReader } from "./store-reader.ts";

const hour = 3_600_000;
const day = 24 * hour;
const start = Date.UTC(2026, 4, 12);

let database: DatabaseSync;
let reader: StoreReader;
let statements: { sql: string; parameters: readonly unknown[] }[];

beforeEach(() => {
  database = new DatabaseSync(":memory:");
  createTables(database);
  statements = [];
  reader = createStoreReader({
    dialect: "sqlite",
    schema: "main",
    async run(sql, parameters) {
      statements.push({ sql, parameters });
      return database.prepare(sql).all(...(parameters as SQLInputValue[]));
    },
  });
});
afterEach(() => database.close());

describe("the reader of a store", () => {
  test("walks along indexes alone: no question reads a whole table, however much the ledger has grown", async () => {
    const boundaries = [start - hour, start + 40 * day + 900_000, start + 50 * day];
    await reader.sums({ boundaries, groupBy: ["employee", "model"] });
    await reader.sums({ boundaries, filter: { tenant: "acme", project: null }, groupBy: ["provider"] });
    await reader.sums({ boundaries, filter: { kind: "task" } });
    await reader.totals({ tenants: ["acme"] });
    await reader.totals({ employees: [{ tenant: "acme", employee: "ada" }] });
    await reader.tenants();
    await reader.recount({ from: start, to: start + day });
    expect(scans()).toEqual([]);
    expect(statements.length).toBeGreaterThan(5);
  });

  test("enters the index of rows at the page it was asked for: the last page costs what the first does", async () => {
    const after = { occurredAt: start, eventId: "id" };
    const time = { from: start - day, to: start + day };
    for (const order of ["newest-first", "oldest-first"] as const) {
      for (const filter of [{}, { project: "search" }, { process: "answer" }, { kind: "task" as const }]) {
        for (const page of [{}, { after }, { after, ...time }, { errorsOnly: true, ...time }]) {
          statements = [];
          await reader.rows({ tenant: "acme", filter, order, limit: 10, ...page });
          const plan = plans();
          expect(plan).toHaveLength(1);
          const index = "project" in filter ? "by_project" : "process" in filter ? "by_process" : "by_time";
          expect(plan[0]).toContain(`USING INDEX ${index} (tenant=?`);
          if ("after" in page) expect(plan[0]).toContain("(occurred_at,event_id)");
        }
      }
    }
  });

  test("puts nothing from outside into SQL: names and ids are parameters", async () => {
    const text = `'; DROP TABLE usage_events; -- "`;
    const filter = { tenant: text, employee: text, project: text, provider: text, model: text };
    await reader.sums({ boundaries: [0, hour], filter, groupBy: ["tenant"] });
    await reader.totals({ tenants: [text] });
    await reader.totals({ employees: [{ tenant: text, employee: text }] });
    const asked = { tenant: text, filter: { project: text, process: text }, after: { occurredAt: 1, eventId: text } };
    await reader.rows({ ...asked, order: "newest-first", limit: 1 });
    await reader.recount({ from: 0, to: day, tenant: text });
    expect(statements.filter(({ sql }) => sql.includes("DROP"))).toEqual([]);
    expect(statements.every(({ parameters }) => JSON.stringify(parameters).includes("DROP"))).toBe(true);
  });

  test("refuses a name that is no dimension: it would be SQL, or a filter that filters nothing", async () => {
    const groupBy = ["model; DROP TABLE usage_events" as "model"];
    await expect(reader.sums({ boundaries: [0, hour], groupBy })).rejects.toThrow(
      'found "model; DROP TABLE usage_events"',
    );
    const filter = { customer: "acme" } as object;
    await expect(reader.sums({ boundaries: [0, hour], filter })).rejects.toThrow('found "customer"');
    expect(statements).toEqual([]);
  });

  test("asks with few parameters, however many periods there are", async () => {
    const boundaries = Array.from({ length: 20_000 }, (_, index) => start + index * 900_000);
    await reader.sums({ boundaries });
    expect(statements).toHaveLength(1);
    expect(statements[0]?.parameters.length).toBeLessThan(8);
  });

  test("adds up in SQL what contributionOf says: a recount that counts otherwise proves nothing", () => {
    const rows = [true, false].flatMap((isSuccess) =>
      [null, "another"].flatMap((corrects) =>
        [null, 0, 7].flatMap((count) =>
          (["provider", "partial", "estimated", "none"] as const).map((usageSource, index) =>
            ledgerRow({
              isSuccess,
              corrects,
              usageSource,
              costStatus: index % 2 === 0 ? "priced" : "estimated",
              unpriced: ([-1, 0, 1] as const)[index % 3]!,
              costNanoUsd: count === null ? null : BigInt(count - 5),
              inputTokens: count,
              outputTokens: count,
              cacheReadTokens: count,
              cacheWriteTokens: count,
              reasoningTokens: count,
              inferenceMicros: count,
              queueMicros: count,
            }),
          ),
        ),
      ),
    );
    for (const row of rows) insert(row);
    const columns = sums.map((name) => `${contributionInSql[name]} AS ${name}`).join(", ");
    const found = database.prepare(`SELECT event_id, ${columns} FROM usage_events`).all();
    const byId = new Map(found.map(({ event_id, ...record }) => [event_id, record]));
    for (const row of rows) {
      const expected = Object.entries(contributionOf(row)).map(([name, value]) => [name, Number(value)]);
      expect(byId.get(row.eventId)).toEqual(Object.fromEntries(expected));
    }
  });

  test("asks for all of a sum in one statement: what comes in between two would be taken away from what had not got it", async () => {
    const boundaries = [start - hour, start + 40 * day + 900_000, start + 50 * day];
    await reader.sums({ boundaries, groupBy: ["kind"] });
    await reader.sums({ boundaries, filter: { tenant: "acme" }, groupBy: ["employee"] });
    expect(statements).toHaveLength(2);
  });

  test("recounts only days on which something happened: ten empty years cost one statement", async () => {
    insert(ledgerRow({ occurredAt: start + hour }));
    await reader.recount({ from: start - 3650 * day, to: start + 3650 * day, tenant: "acme" });
    expect(statements).toHaveLength(2 + rollups.length);
    await expect(reader.recount({ from: start + hour, to: start + day })).rejects.toThrow('option "from"');
  });

  test("lets others have a turn during a recount", async () => {
    for (let index = 0; index < 20; index++) insert(ledgerRow({ occurredAt: start + index * day }));
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    await reader.recount({ from: start, to: start + 20 * day });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(1);
  });
});

function insert(row: Parameters<typeof valuesOf>[0]): void {
  const values = valuesOf(row).map((value) => (typeof value === "boolean" ? Number(value) : value));
  database.prepare(`INSERT INTO usage_events VALUES (${values.map(() => "?").join()})`).run(...values);
}

/** How SQLite goes about what was asked: its searches and scans of tables. */
function plans(): string[] {
  return statements.flatMap(({ sql, parameters }) =>
    database
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all(...(parameters as SQLInputValue[]))
      .map(({ detail }) => String(detail)),
  );
}

function scans(): string[] {
  return plans().filter((line) => /^SCAN (?:main\.)?(?:usage_|kept|source)/.test(line) || /AUTOMATIC/.test(line));
}

/** Keys and indexes as every store in SQL has them. */
function createTables(target: DatabaseSync): void {
  const columns = ledgerColumns.map(({ column, type }) => `${column} ${type === "text" ? "text" : "integer"}`);
  target.exec(`CREATE TABLE usage_events (${columns.join()}, PRIMARY KEY (tenant, event_id));
    CREATE INDEX by_time ON usage_events (tenant, occurred_at, event_id);
    CREATE INDEX by_project ON usage_events (tenant, project, occurred_at, event_id) WHERE project IS NOT NULL;
    CREATE INDEX by_process ON usage_events (tenant, process, occurred_at, event_id) WHERE process IS NOT NULL;`);
  for (const { table, seconds, dimensions } of rollups) {
    const [tenant = "", ...others] = dimensions;
    const keys = [tenant, ...(seconds === null ? [] : ["bucket_at"]), ...others];
    target.exec(`CREATE TABLE ${table} (${[...keys, ...sums].join()}, PRIMARY KEY (${keys.join()})) WITHOUT ROWID`);
  }
}
