import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import pg from "pg";
import { ledgerErrorReason } from "../src/ledger-error.ts";
import { rollups } from "../src/rollups.ts";
import { type PostgresqlStore, type PostgresqlStoreOptions, postgresqlStore } from "../src/postgresql.ts";
import { countRows, usageRow, usageRows } from "./support/postgresql-rows.ts";
import { findPostgresql, type PostgresqlServer, queryOnce, startPostgresql } from "./support/postgresql-server.ts";

describe.skipIf(findPostgresql() === undefined)("rows in PostgreSQL", () => {
  let server: PostgresqlServer;
  let url: string;
  let stores: PostgresqlStore[] = [];

  beforeAll(async () => void (server = await startPostgresql()));
  afterAll(() => server.stop());
  beforeEach(async () => void (url = await server.createDatabase()));
  afterEach(async () => {
    await Promise.all(stores.map((store) => store.close()));
    stores = [];
  });

  function open(options: PostgresqlStoreOptions = {}): PostgresqlStore {
    const store = postgresqlStore({ ...("pool" in options ? {} : { url }), ...options });
    stores.push(store);
    return store;
  }

  it("counts a batch once, however often it is sent, in the batch itself too", async () => {
    const store = open();
    const rows = usageRows(300);
    expect(await store.append([...rows, ...rows.slice(0, 50)])).toEqual({ written: 300, duplicates: 50, expired: 0 });
    expect(await store.append(rows)).toEqual({ written: 0, duplicates: 300, expired: 0 });
    expect(await countRows(url)).toEqual({ rows: 300, wrongBuckets: 0 });
    expect(await store.recount({ from: 0, to: Date.UTC(2100, 0, 1) })).toEqual([]);
  });

  it("counts the same event id in two tenants twice", async () => {
    const row = usageRow();
    expect(await open().append([row, { ...row, tenant: "globex" }])).toMatchObject({ written: 2, duplicates: 0 });
    expect(await countRows(url)).toEqual({ rows: 2, wrongBuckets: 0 });
  });

  it("keeps every field of a row as it was, corrections with negative money too", async () => {
    const store = open();
    const rows = [
      usageRow({
        tenant: "full",
        process: "p",
        execution: "e",
        name: "n",
        cacheWriteTokens: 7,
        queueMicros: 9,
        errorType: "429",
      }),
      usageRow({
        tenant: "empty",
        employee: null,
        project: null,
        user: null,
        provider: null,
        model: null,
        priceBook: null,
      }),
      usageRow({
        tenant: "corrected",
        costNanoUsd: -9_000_000_000_000_000n,
        unpriced: -1,
        corrects: "other",
        attempts: 3,
      }),
      usageRow({ tenant: "large", costNanoUsd: 9_000_000_000_000_000n, inputTokens: 1e12, inferenceMicros: 1e15 }),
      usageRow({
        tenant: "timeless",
        capturedAt: 0,
        kind: "task",
        costNanoUsd: null,
        costStatus: "unpriced",
        unpriced: 1,
      }),
    ];
    await store.append(rows);
    for (const row of rows) {
      expect(await store.rows({ tenant: row.tenant, order: "newest-first", limit: 10 })).toEqual([row]);
    }
    expect(await countRows(url)).toEqual({ rows: rows.length, wrongBuckets: 0 });
  });

  it("takes hostile texts for texts: nothing in them is run", async () => {
    const store = open({ schema: `it's a "schema"; \\ DROP` });
    const texts = [
      `'); DROP TABLE usage_events; --`,
      `{"a":[1]}`,
      `back\\slash\\u0000`,
      "👩‍👩‍👧‍👦 \u202e",
      `"quoted" $1 $$ %s`,
      "\t\n\u0001",
    ];
    const rows = texts.map((text) =>
      usageRow({ tenant: text, employee: text, project: text, model: text, eventId: text, capturedAt: 0 }),
    );
    expect(await store.append(rows)).toMatchObject({ written: texts.length });
    expect([...(await store.tenants())].toSorted()).toEqual(texts.toSorted());
    for (const row of rows)
      expect(await store.rows({ tenant: row.tenant, order: "oldest-first", limit: 2 })).toEqual([row]);
    expect(await store.recount({ from: 0, to: Date.UTC(2100, 0, 1) })).toEqual([]);
  });

  it("tells money to the last digit on a pool whose application parses numbers as floats", async () => {
    // What many applications set for all of `pg`: numbers instead of texts.
    const { INT8, NUMERIC } = pg.types.builtins;
    const parse: pg.CustomTypesConfig["getTypeParser"] = (type, format) =>
      type === INT8 || type === NUMERIC ? Number : (pg.types.getTypeParser(type, format) as typeof Number);
    const pool = new pg.Pool({ connectionString: url, types: { getTypeParser: parse } });
    onTestFinished(() => pool.end());
    const store = open({ pool });
    const at = Date.UTC(2026, 4, 12);
    const rows = [9_000_000_000_000_000n, 9_000_000_000_000_000n, 7n].map((costNanoUsd) =>
      usageRow({ occurredAt: at, costNanoUsd }),
    );
    await store.append(rows);
    const [sum] = await store.sums({ boundaries: [at, at + 900_000] });
    const [total] = await store.totals({ tenants: ["acme"] });
    expect([sum?.sums.costNanoUsd, total?.sums.costNanoUsd]).toEqual([
      18_000_000_000_000_007n,
      18_000_000_000_000_007n,
    ]);
    await queryOnce(url, "UPDATE meterbridge.usage_days SET cost_nano_usd = cost_nano_usd - 1");
    const found = await store.recount({ from: Date.UTC(2026, 4, 12), to: Date.UTC(2026, 4, 13) });
    expect(found[0]?.columns).toEqual({
      cost_nano_usd: { rows: 18_000_000_000_000_007n, rollup: 18_000_000_000_000_006n },
    });
  });

  it("writes nothing of a batch with a value that the database does not take, and says that it never will", async () => {
    const store = open();
    await store.open();
    for (const bad of [usageRow({ model: "nul\0" }), usageRow({ inputTokens: 1e300 }), usageRow({ model: "\ud800" })]) {
      const failed: unknown = await store.append([usageRow(), bad]).catch((error: unknown) => error);
      expect(ledgerErrorReason(failed)).toBe("refused");
    }
    expect(await countRows(url)).toEqual({ rows: 0, wrongBuckets: 0 });
    expect(await store.append([usageRow()])).toMatchObject({ written: 1 });
  });

  it("keeps the longest texts apart in every rollup, although no index holds them as they are", async () => {
    const store = open();
    const long = (end: string): string =>
      Array.from({ length: 254 }, (_, at) => String.fromCharCode(0x4e00 + ((at * 7919) % 20_000))).join("") + end;
    const texts = [long("a"), long("b"), "é".repeat(127) + "x", "é".repeat(128), "x".repeat(255), "short", ""];
    const rows = texts.map((text) =>
      usageRow({
        tenant: long(""),
        eventId: `${long("")}${text}`.slice(-255),
        capturedAt: 0,
        employee: text,
        project: text,
        process: text,
        provider: text,
        model: text,
      }),
    );
    expect(await store.append(rows)).toMatchObject({ written: texts.length });
    expect(await store.append(rows.map((row) => ({ ...row, eventId: `2${row.eventId.slice(1)}` })))).toMatchObject({
      written: texts.length,
    });
    for (const { table, dimensions } of rollups) {
      const buckets = dimensions.every((name) => name === "tenant" || name === "kind") ? 1 : texts.length;
      const [kept] = await queryOnce(
        url,
        `SELECT count(*)::int AS buckets, min(records)::int AS least FROM meterbridge.${table}`,
      );
      expect({ table, ...kept }).toEqual({ table, buckets, least: (2 * texts.length) / buckets });
    }
    expect(await countRows(url)).toEqual({ rows: 2 * texts.length, wrongBuckets: 0 });
  });

  it("does not depend on the session's time zone, date style or search path", async () => {
    const [{ name } = {}] = await queryOnce(url, "SELECT current_database() AS name");
    await queryOnce(url, `ALTER DATABASE ${String(name)} SET timezone = 'Asia/Kathmandu'`);
    await queryOnce(url, `ALTER DATABASE ${String(name)} SET datestyle = 'German, DMY'`);
    await queryOnce(url, `ALTER DATABASE ${String(name)} SET search_path = ''`);
    const store = open();
    const rows = ["2026-10-25T00:59:59.999Z", "2026-10-25T01:00:00.000Z", "2026-12-31T23:59:59.999Z"].map((at) =>
      usageRow({ occurredAt: Date.parse(at) }),
    );
    await store.append(rows);
    const buckets = await queryOnce(
      url,
      "SELECT extract(epoch FROM bucket_at)::bigint AS at FROM meterbridge.usage_quarters ORDER BY 1",
    );
    const starts = ["2026-10-25T00:45:00Z", "2026-10-25T01:00:00Z", "2026-12-31T23:45:00Z"];
    expect(buckets.map(({ at }) => Number(at) * 1000)).toEqual(starts.map((at) => Date.parse(at)));
    expect(await store.rows({ tenant: "acme", order: "oldest-first", limit: 5 })).toEqual(rows);
    expect(await countRows(url)).toEqual({ rows: 3, wrongBuckets: 0 });
  });

  it("shows tasks per day, tenant and employee with durations, tokens, tool calls, errors and success ratio", async () => {
    const store = open();
    const at = Date.parse("2026-11-20T10:00:00Z");
    const none = {
      occurredAt: at,
      inputTokens: null,
      outputTokens: null,
      costNanoUsd: null,
      costStatus: "none",
    } as const;
    await store.append([
      usageRow({ occurredAt: at }),
      usageRow({ ...none, kind: "task", inferenceMicros: 1_000_000 }),
      usageRow({ ...none, kind: "task", inferenceMicros: 2_000_000, isSuccess: false }),
      usageRow({ ...none, kind: "tool_call", isSuccess: false }),
      usageRow({ occurredAt: at, employee: "bob" }),
    ]);
    const view =
      "SELECT day::text, tasks, total_duration_ms, average_duration_ms, tokens, tool_calls, errors, success_ratio, updated_at > now() - interval '1 minute' AS fresh FROM meterbridge.daily_usage_metrics WHERE tenant = 'acme' ORDER BY employee";
    const common = { day: "2026-11-20", tokens: "1200", fresh: true };
    expect(await queryOnce(url, view)).toEqual([
      {
        ...common,
        tasks: "2",
        total_duration_ms: "3000",
        average_duration_ms: 1500,
        tool_calls: "1",
        errors: "2",
        success_ratio: 0.5,
      },
      {
        ...common,
        tasks: "0",
        total_duration_ms: "0",
        average_duration_ms: null,
        tool_calls: "0",
        errors: "0",
        success_ratio: null,
      },
    ]);
  });

  it("leaves a pool that was passed in open, and takes its listener with it", async () => {
    const pool = new pg.Pool({ connectionString: url });
    const store = open({ pool });
    await store.append([usageRow()]);
    expect(pool.listenerCount("error")).toBe(1);
    await store.close();
    expect(pool.listenerCount("error")).toBe(0);
    expect((await pool.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
    await pool.end();
    const late: unknown = await store.append([usageRow()]).catch((error: unknown) => error);
    expect(ledgerErrorReason(late)).toBe("unavailable");
  });

  it("could be distributed by tenant: every unique key holds it, nothing refers to another table, nothing counts up", async () => {
    await open().open();
    const [unique] = await queryOnce(
      url,
      `SELECT count(*)::int AS keys, count(*) FILTER (WHERE NOT EXISTS (
        SELECT FROM pg_attribute WHERE attrelid = indrelid AND attname = 'tenant' AND attnum = ANY (indkey::int2[])))::int AS without
      FROM pg_index JOIN pg_class ON pg_class.oid = indrelid WHERE relnamespace = 'meterbridge'::regnamespace AND indisunique`,
    );
    expect(unique).toEqual({ keys: 14, without: 0 });
    const [others] = await queryOnce(
      url,
      `SELECT (SELECT count(*)::int FROM pg_constraint WHERE contype = 'f') AS foreign_keys,
      (SELECT count(*)::int FROM pg_class WHERE relkind = 'S' AND relnamespace = 'meterbridge'::regnamespace) AS sequences,
      (SELECT count(*)::int FROM pg_trigger WHERE NOT tgisinternal) AS triggers`,
    );
    expect(others).toEqual({ foreign_keys: 0, sequences: 0, triggers: 0 });
  });
});
