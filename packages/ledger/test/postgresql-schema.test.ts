import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startProcess, until } from "../../../test/support/servers.ts";
import path from "node:path";
import pg from "pg";
import { ledgerErrorReason } from "../src/ledger-error.ts";
import { migrations } from "../src/postgresql/postgresql-migrations.ts";
import { rollups, sums } from "../src/rollups.ts";
import { migrateSchema } from "../src/postgresql/postgresql-schema.ts";
import { createSession, type PostgresqlSession } from "../src/postgresql/postgresql-session.ts";
import { type PostgresqlStore, type PostgresqlStoreOptions, postgresqlStore } from "../src/postgresql.ts";
import { countRows, usageRow, usageRows } from "./support/postgresql-rows.ts";
import { findPostgresql, type PostgresqlServer, queryOnce, startPostgresql } from "./support/postgresql-server.ts";

describe.skipIf(findPostgresql() === undefined)("the ledger's schema in PostgreSQL", { timeout: 60_000 }, () => {
  let server: PostgresqlServer;
  let url: string;
  let stores: PostgresqlStore[] = [];
  let pool: pg.Pool;
  let session: PostgresqlSession;

  beforeAll(
    async () => void (server = await startPostgresql({ settings: { client_connection_check_interval: "50ms" } })),
  );
  afterAll(() => server.stop());
  beforeEach(async () => {
    url = await server.createDatabase();
    pool = new pg.Pool({ connectionString: url });
    pool.on("error", () => {});
    session = createSession(async () => pool, "a test", 5_000);
  });
  afterEach(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await pool.end();
    stores = [];
  });

  function open(options: PostgresqlStoreOptions = {}): PostgresqlStore {
    const store = postgresqlStore({ url, ...options });
    stores.push(store);
    return store;
  }

  async function failureOf(work: Promise<unknown>): Promise<{ reason: unknown; message: string }> {
    const error: unknown = await work.then(
      () => new Error("it did not fail"),
      (failure: unknown) => failure,
    );
    return { reason: ledgerErrorReason(error), message: String(error) };
  }

  /** The rows of today's tables into those of an older version, which has fewer columns. */
  async function copyEvents(schema: string): Promise<void> {
    const found = await queryOnce(
      url,
      `SELECT string_agg(quote_ident(attname), ', ') AS columns FROM pg_attribute
       WHERE attrelid = '${schema}.usage_events'::regclass AND attnum > 0`,
    );
    const columns = String(found[0]?.["columns"]);
    await queryOnce(
      url,
      `INSERT INTO ${schema}.usage_events (${columns}) SELECT ${columns} FROM meterbridge.usage_events`,
    );
  }

  async function names(): Promise<unknown[]> {
    const found = await queryOnce(
      url,
      "SELECT relname::text AS name FROM pg_class WHERE relnamespace = to_regnamespace('meterbridge') ORDER BY 1",
    );
    return found.map(({ name }) => name);
  }

  it("is made once when several processes start at once on an empty database", async () => {
    const starting = Array.from({ length: 4 }, () => open());
    await Promise.all(starting.map((store) => store.open()));
    await Promise.all(starting.map((store) => store.append([usageRow()])));
    expect(await queryOnce(url, "SELECT product, version FROM meterbridge.ledger_schema")).toEqual([
      { product: "meterbridge-ledger", version: migrations.length },
    ]);
    expect(await queryOnce(url, "SELECT count(*)::int AS n FROM meterbridge.ledger_state")).toEqual([{ n: 1 }]);
    expect(await countRows(url)).toEqual({ rows: 4, wrongBuckets: 0 });
  });

  it("is not there at all when its making was cut half-way by a kill, and is made by the next one", async () => {
    await queryOnce(
      url,
      `CREATE FUNCTION public.linger() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
      IF to_regclass('meterbridge.usage_days') IS NOT NULL THEN PERFORM pg_sleep(60); END IF; END $$`,
    );
    await queryOnce(url, "CREATE EVENT TRIGGER linger ON ddl_command_end EXECUTE FUNCTION public.linger()");
    const script = path.join(import.meta.dirname, "support/postgresql-writer.ts");
    const writer = startProcess(process.execPath, [
      "--conditions=@meterbridge/source",
      "--experimental-strip-types",
      script,
      url,
    ]);
    const lingering = "SELECT count(*)::int AS n FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    await until(async () => (await queryOnce(url, lingering))[0]?.["n"] === 1, "the migration to be half-way");
    await writer.stop("SIGKILL");
    await until(async () => (await queryOnce(url, lingering))[0]?.["n"] === 0, "the server to notice");
    await queryOnce(url, "DROP EVENT TRIGGER linger");
    expect(await names()).toEqual([]);
    await open().append(usageRows(10));
    expect(await countRows(url)).toEqual({ rows: 10, wrongBuckets: 0 });
  });

  it("of version 1 gets the rollups of version 2 from its own, and goes on exactly", async () => {
    const rows = usageRows(300).map((row, index) => ({ ...row, occurredAt: row.occurredAt - index * 5_000_000 }));
    await open().append(rows);
    await migrateSchema(session, "older", migrations.slice(0, 1));
    await copyEvents("older");
    for (const table of ["usage_totals", "usage_days", "usage_quarters"]) {
      await queryOnce(url, `INSERT INTO older.${table} SELECT * FROM meterbridge.${table}`);
    }
    await queryOnce(
      url,
      `INSERT INTO older.usage_hours SELECT tenant, date_bin('1 hour', bucket_at, 'epoch'), project, kind, provider, model,
       ${sums.map((column) => `sum(${column})`).join(", ")}, max(updated_at) FROM older.usage_quarters GROUP BY 1, 2, 3, 4, 5, 6`,
    );
    const upgraded = open({ schema: "older" });
    await upgraded.open();
    expect(await queryOnce(url, "SELECT version FROM older.ledger_schema")).toEqual([{ version: migrations.length }]);
    expect(await countRows(url, "older")).toEqual({ rows: 300, wrongBuckets: 0 });
    expect(await upgraded.append([...rows, usageRow()])).toMatchObject({ written: 1, duplicates: 300 });
    expect(await countRows(url, "older")).toEqual({ rows: 301, wrongBuckets: 0 });
  });

  it("of version 2 gets the columns of version 3, keeps its rows, and takes what a process of before still writes", async () => {
    const old = usageRows(30);
    await open().append(old);
    await migrateSchema(session, "older", migrations.slice(0, 2));
    await copyEvents("older");
    for (const { table } of rollups) {
      await queryOnce(url, `INSERT INTO older.${table} SELECT * FROM meterbridge.${table}`);
    }
    const upgraded = open({ schema: "older" });
    const row = usageRow({ tenant: "tenant-0", responseModel: "gpt-5-2025-08-07", serviceTier: "flex" });
    expect(await upgraded.append([...old, row])).toMatchObject({ written: 1, duplicates: 30 });
    const found = await upgraded.rows({ tenant: "tenant-0", order: "newest-first", limit: 100 });
    expect(found.find(({ eventId }) => eventId === row.eventId)).toEqual(row);
    expect(found.filter(({ responseModel }) => responseModel === null)).toHaveLength(found.length - 1);
    await queryOnce(
      url,
      `INSERT INTO older.usage_events (tenant, event_id, captured_at, occurred_at, kind, cost_status, unpriced, is_success, usage_source, attempts)
       VALUES ('acme', 'of before', 'epoch', now(), 'task', 'none', 0, true, 'none', 1)`,
    );
    const kept = "SELECT count(*)::int AS n FROM older.usage_events WHERE service_tier IS NULL";
    expect(await queryOnce(url, kept)).toEqual([{ n: 31 }]);
  });

  it("that a newer process changed under a running one lets it write nothing, and refuses none of its rows", async () => {
    const store = open();
    await store.append(usageRows(10));
    const newer = (schema: string): string[] => [`DROP TABLE "${schema}".usage_kind_days`];
    await migrateSchema(session, "meterbridge", [...migrations, newer]);
    // The first says that a table is missing, the second that its version is: neither is the rows' fault.
    for (const found of ["usage_kind_days", `version ${migrations.length + 1}`]) {
      const failure = await failureOf(store.append([usageRow()]));
      expect(failure.reason).toBe("unavailable");
      expect(failure.message).toContain(found);
    }
    expect(await queryOnce(url, "SELECT count(*)::int AS n FROM meterbridge.usage_events")).toEqual([{ n: 10 }]);
  });

  it("is upgraded with its rows, and stays whole in the old version when that is cut half-way", async () => {
    const store = open();
    await store.append(usageRows(10));
    const second = (schema: string): string[] => [
      `ALTER TABLE "${schema}".usage_events ADD COLUMN region text`,
      "SELECT pg_sleep(0.5)",
      `ALTER TABLE "${schema}".usage_days ADD COLUMN region text`,
    ];
    const cut = failureOf(migrateSchema(session, "meterbridge", [...migrations, second]));
    await until(async () => {
      const killed = await queryOnce(
        url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()",
      );
      return killed.length > 0;
    }, "the migration to be half-way");
    expect((await cut).reason).toBe("unavailable");
    const columns = "SELECT count(*)::int AS n FROM pg_attribute WHERE attname = 'region' AND attnum > 0";
    expect(await queryOnce(url, columns)).toEqual([{ n: 0 }]);
    expect(await queryOnce(url, "SELECT version FROM meterbridge.ledger_schema")).toEqual([
      { version: migrations.length },
    ]);
    expect(await store.append(usageRows(10))).toMatchObject({ written: 10 });

    // Four at once, while rows keep coming.
    const upgrades = Array.from({ length: 4 }, () => migrateSchema(session, "meterbridge", [...migrations, second]));
    await Promise.all([...upgrades, sleep(100).then(() => store.append(usageRows(10)))]);
    expect(await queryOnce(url, "SELECT version FROM meterbridge.ledger_schema")).toEqual([
      { version: migrations.length + 1 },
    ]);
    expect(await countRows(url)).toEqual({ rows: 30, wrongBuckets: 0 });

    const older = await failureOf(open().open());
    expect(older.reason).toBe("refused");
    expect(older.message).toContain(
      `version ${migrations.length + 1}, this package knows up to ${migrations.length}: upgrade`,
    );
  });

  it("is refused where tables of our names are somebody else's, and those stay as they are", async () => {
    await queryOnce(url, "CREATE SCHEMA meterbridge CREATE TABLE usage_events (id integer)");
    const foreign = await failureOf(open().open());
    expect(foreign.reason).toBe("refused");
    expect(foreign.message).toContain("holds usage_events, which Meterbridge did not make");
    expect(await names()).toEqual(["usage_events"]);
    await queryOnce(url, "CREATE TABLE meterbridge.ledger_schema (version text)");
    expect((await failureOf(open().open())).reason).toBe("refused");
    await queryOnce(url, "INSERT INTO meterbridge.ledger_schema VALUES ('1')");
    expect((await failureOf(open().migrate())).reason).toBe("refused");
    expect(await names()).toEqual(["ledger_schema", "usage_events"]);
  });

  it("is only looked at by a role that may not create tables, which can write all the same", async () => {
    const database = new URL(url).pathname.slice(1);
    await queryOnce(url, `DROP ROLE IF EXISTS writer`);
    await queryOnce(url, `CREATE ROLE writer LOGIN`);
    const asWriter = new URL(url);
    asWriter.username = "writer";
    const store = open({ url: asWriter.href, create: "check" });
    const missing = await failureOf(store.open());
    expect(missing.reason).toBe("unavailable");
    expect(missing.message).toContain(
      "are not there: run postgresqlStore({ … }).migrate() once with a role that may create tables",
    );

    const owner = open();
    await owner.migrate();
    const ungranted = await failureOf(store.open());
    expect(ungranted.reason).toBe("unavailable");
    expect(ungranted.message).toContain("grant the role USAGE");
    await queryOnce(url, "GRANT USAGE ON SCHEMA meterbridge TO writer");
    await queryOnce(url, "GRANT SELECT ON ALL TABLES IN SCHEMA meterbridge TO writer");
    const tables = rollups.map(({ table }) => `meterbridge.${table}`).join(", ");
    const unwritable = await failureOf(store.append(usageRows(1)));
    expect(unwritable.message).toContain("INSERT on usage_events, and INSERT and UPDATE on the rollups");
    await queryOnce(url, `GRANT INSERT ON meterbridge.usage_events, ${tables} TO writer`);
    // Rows that were written are nobody's to change.
    await queryOnce(url, `GRANT UPDATE ON ${tables} TO writer`);
    await store.append(usageRows(10));
    await owner.maintain();
    await store.append(usageRows(10));
    expect(await store.recount({ from: 0, to: Date.UTC(2100, 0, 1) })).toEqual([]);
    expect(await countRows(url)).toEqual({ rows: 20, wrongBuckets: 0 });
    await store.close();
    await queryOnce(url, `DROP OWNED BY writer`);
    expect(database).toMatch(/^test_/);
  });

  it("may be missing for a while: appends are told to wait, and find it when it is back", async () => {
    const store = open();
    await store.append([usageRow()]);
    await queryOnce(url, "ALTER SCHEMA meterbridge RENAME TO elsewhere");
    const away = await failureOf(store.append([usageRow()]));
    expect(away.reason).toBe("unavailable");
    expect(away.message).toContain("run migrate()");
    await queryOnce(url, "ALTER SCHEMA elsewhere RENAME TO meterbridge");
    expect(await store.append([usageRow()])).toMatchObject({ written: 1 });
    expect(await countRows(url)).toEqual({ rows: 2, wrongBuckets: 0 });
  });

  it("is refused on settings under which it would not be exact", async () => {
    const database = new URL(url).pathname.slice(1);
    await queryOnce(url, `ALTER DATABASE ${database} SET default_transaction_isolation = 'repeatable read'`);
    const found = await failureOf(open().open());
    expect(found.reason).toBe("refused");
    expect(found.message).toContain('"repeatable read" for this role, "read committed" is needed');
  });
});
