import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startProcess, until } from "../../../test/support/servers.ts";
import { ledgerErrorReason } from "../src/ledger-error.ts";
import type { LedgerRow } from "../src/ledger-row.ts";
import type { AppendResult } from "../src/ledger-store.ts";
import { type PostgresqlStore, type PostgresqlStoreOptions, postgresqlStore } from "../src/postgresql.ts";
import { startDroppingProxy, startPartingProxy, startPoolerProxy } from "./support/postgresql-proxy.ts";
import { countRows, shuffled, usageRow, usageRows } from "./support/postgresql-rows.ts";
import { findPostgresql, type PostgresqlServer, queryOnce, startPostgresql } from "./support/postgresql-server.ts";

describe.skipIf(findPostgresql() === undefined)("a ledger in PostgreSQL stays exact", { timeout: 90_000 }, () => {
  let server: PostgresqlServer;
  let url: string;
  let stores: PostgresqlStore[] = [];

  beforeAll(async () => {
    server = await startPostgresql({ settings: { max_connections: "60", superuser_reserved_connections: "0" } });
  });
  afterAll(() => server.stop());
  beforeEach(async () => void (url = await server.createDatabase()));
  afterEach(async () => {
    server.resume();
    await Promise.all(stores.map((store) => store.close()));
    stores = [];
  });

  function open(options: PostgresqlStoreOptions = {}): PostgresqlStore {
    const store = postgresqlStore({ ...("pool" in options ? {} : { url }), ...options });
    stores.push(store);
    return store;
  }

  async function expectExact(store: PostgresqlStore, rows: number): Promise<void> {
    expect(await countRows(url)).toEqual({ rows, wrongBuckets: 0 });
    expect(await store.recount({ from: 0, to: Date.UTC(2100, 0, 1) })).toEqual([]);
  }

  it("when a proxy loses 5 % of the answers after the commit, and the caller sends those batches again", async () => {
    const proxy = await startDroppingProxy(url);
    try {
      const store = open({ url: proxy.url });
      await store.open();
      const batches = Array.from({ length: 400 }, () => usageRows(25));
      proxy.dropEvery = 20;
      const results = await sendAll(store, batches, 4);
      proxy.dropEvery = 0;
      // 400 answers arrived and 21 were lost: each 20th of 421. Most of those had written their batch, which then came again and
      // was counted once; a batch may also lose the answer to its repetition.
      expect(proxy.dropped).toBe(21);
      const repeated = results.filter(({ duplicates }) => duplicates > 0);
      expect(repeated.every(({ written, duplicates }) => written === 0 && duplicates === 25)).toBe(true);
      expect(repeated.length).toBeGreaterThan(10);
      expect(repeated.length).toBeLessThanOrEqual(21);
      await expectExact(store, 10_000);
    } finally {
      await proxy.stop();
    }
  });

  it("when the server crashes and restarts again and again under load", async () => {
    const store = open({ timeoutMillis: 2_000 });
    await store.open();
    const failures = { count: 0 };
    let sent = 0;
    const work = { isOver: false };
    const load = Array.from({ length: 2 }, async () => {
      while (!work.isOver) {
        const rows = usageRows(50);
        sent += rows.length;
        await appendUntilDone(store, rows, failures);
      }
    });
    for (let round = 0; round < 6; round++) {
      await sleep(200 + Math.random() * 200);
      await server.restartImmediate();
    }
    work.isOver = true;
    await Promise.all(load);
    expect(failures.count).toBeGreaterThan(0);
    await expectExact(store, sent);
  });

  it("when the server is frozen: appends fail within their deadline, and work again after", async () => {
    const pool = new pg.Pool({ connectionString: url });
    const timeoutMillis = 500;
    const [own, passed] = [open({ timeoutMillis }), open({ pool, timeoutMillis })];
    await own.open();
    await passed.open();
    const rows = usageRows(20);
    server.pause();
    const start = performance.now();
    // More than there are connections, so that some wait for a new one.
    const attempts = [own, passed, own, passed, own, own, own, own, own].map((store) => store.append(rows));
    const outcomes = await Promise.allSettled(attempts);
    expect(performance.now() - start).toBeLessThan(5_000);
    for (const outcome of outcomes) {
      expect(outcome.status === "rejected" && ledgerErrorReason(outcome.reason)).toBe("unavailable");
    }
    server.resume();
    await until(() => own.append(rows), "the store to work again");
    expect(await passed.append(rows)).toMatchObject({ duplicates: 20 });
    await expectExact(own, 20);
    await passed.close();
    await pool.end();
  });

  it("when queries wait for a table that somebody locks: the server gives up with the client, on a pool passed in too", async () => {
    const pool = new pg.Pool({ connectionString: url });
    const locker = new pg.Client({ connectionString: url });
    try {
      const store = open({ pool, timeoutMillis: 1_000 });
      await store.append([usageRow()]);
      await locker.connect();
      await locker.query("BEGIN; LOCK TABLE meterbridge.usage_totals");
      for (let time = 0; time < 3; time++) {
        const failed: unknown = await store.tenants().catch((error: unknown) => error);
        expect(ledgerErrorReason(failed)).toBe("unavailable");
      }
      await until(async () => {
        const [{ waiting } = {}] = await queryOnce(
          url,
          "SELECT count(*)::int AS waiting FROM pg_stat_activity WHERE wait_event_type = 'Lock'",
        );
        return waiting === 0;
      }, "the server to wait no more");
      await locker.query("COMMIT");
      expect(await store.tenants()).toEqual(["acme"]);
      await store.close();
    } finally {
      await locker.end();
      await pool.end();
    }
  });

  it("when it is closed while the server is frozen, and that ends", async () => {
    const store = open({ timeoutMillis: 500 });
    await store.append([usageRow()]);
    server.pause();
    const start = performance.now();
    await store.close();
    expect(performance.now() - start).toBeLessThan(5_000);
    server.resume();
    await expectExact(open(), 1);
  });

  it("when PgBouncer stands before it, which refuses connections that ask for a limit of time", async () => {
    const pooler = await startPoolerProxy(url);
    try {
      const store = open({ url: pooler.url });
      const batches = Array.from({ length: 8 }, () => usageRows(10));
      await Promise.all(batches.map((rows) => store.append(rows)));
      await expectExact(store, 80);
      await store.close();
    } finally {
      await pooler.stop();
    }
  });

  it("when the server says goodbye in the packet with its greeting: that fails the call, and not the process", async () => {
    const parting = await startPartingProxy(url);
    const pool = new pg.Pool({ connectionString: parting.url });
    try {
      for (const store of [open({ url: parting.url }), open({ pool })]) {
        // Nobody in here could catch what ends the process: Vitest does.
        const failed: unknown = await store.append([usageRow()]).catch((error: unknown) => error);
        expect(ledgerErrorReason(failed)).toBe("unavailable");
        await store.close();
      }
      expect(pool.listenerCount("connect")).toBe(0);
    } finally {
      await pool.end();
      await parting.stop();
    }
  });

  it("when there are no connections left, and there are again", async () => {
    const [{ free } = {}] = await queryOnce(
      url,
      "SELECT 60 - count(*)::int AS free FROM pg_stat_activity WHERE backend_type = 'client backend'",
    );
    const others = Array.from({ length: Number(free) + 1 }, () => new pg.Client({ connectionString: url }));
    for (const other of others) await other.connect();
    const store = open();
    const failed: unknown = await store.append([usageRow()]).catch((error: unknown) => error);
    expect(ledgerErrorReason(failed)).toBe("unavailable");
    expect(String(failed)).toContain("raise max_connections");
    await Promise.all(others.map((other) => other.end()));
    await until(() => store.append(usageRows(5)), "a free connection");
    await expectExact(store, 5);
  });

  it("when the server turns read-only under load, and writable again", async () => {
    const store = open();
    await store.open();
    const failures = { count: 0 };
    let sent = 0;
    const work = { isOver: false };
    const load = (async () => {
      while (!work.isOver) {
        const rows = usageRows(30);
        sent += rows.length;
        await appendUntilDone(store, rows, failures);
      }
    })();
    await server.query("ALTER SYSTEM SET default_transaction_read_only = on");
    await server.query("SELECT pg_reload_conf()");
    let written = 0;
    const said = await until(() => store.append([usageRow()]).then(() => void written++, String), "a refusal");
    expect(said).toContain("(25006); the server is a replica, or set to read-only");
    await server.query("ALTER SYSTEM RESET default_transaction_read_only");
    await server.query("SELECT pg_reload_conf()");
    await sleep(200);
    work.isOver = true;
    await load;
    await expectExact(store, sent + written);
  });

  it("when the process that writes is killed in the middle of a batch, time and again", async () => {
    const directory = mkdtempSync(path.join(tmpdir(), "meterbridge-writer-"));
    try {
      const batches = Array.from({ length: 150 }, () => usageRows(100));
      const file = path.join(directory, "batches.json");
      writeFileSync(
        file,
        JSON.stringify(batches, (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value)),
      );
      const store = open();
      await store.open();
      const script = path.join(import.meta.dirname, "support/postgresql-writer.ts");
      for (let round = 0; round < 3; round++) {
        const before = (await countRows(url)).rows;
        const writer = startProcess(process.execPath, [
          "--conditions=@meterbridge/source",
          "--experimental-strip-types",
          script,
          url,
          file,
        ]);
        await until(async () => {
          const [{ rows } = {}] = await queryOnce(url, "SELECT count(*)::int AS rows FROM meterbridge.usage_events");
          return Number(rows) > before + 1_000;
        }, "the writer to write");
        await sleep(Math.random() * 100);
        await writer.stop("SIGKILL");
        // What it had sent may still be on its way in.
        await until(async () => {
          const [{ busy } = {}] = await queryOnce(
            url,
            "SELECT count(*)::int AS busy FROM pg_stat_activity WHERE application_name = 'meterbridge' AND state = 'active'",
          );
          return busy === 0;
        }, "the server to notice");
        const { rows, wrongBuckets } = await countRows(url);
        expect({ torn: rows % 100, wrongBuckets }).toEqual({ torn: 0, wrongBuckets: 0 });
        const promised = writer
          .output()
          .split("\n")
          .filter((line) => /^\d+$/.test(line))
          .map((line) => batches[Number(line)]!);
        for (const batch of promised)
          expect(await store.append(batch)).toEqual({ written: 0, duplicates: 100, expired: 0 });
      }
      await sendAll(store, batches, 2);
      await expectExact(store, 15_000);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  it("when eight writers send mostly duplicates in any order, without a deadlock", async () => {
    const rows = usageRows(2_000);
    const writers = Array.from({ length: 8 }, () => open());
    await Promise.all(writers.map((writer) => writer.open()));
    const results = await Promise.all(
      writers.map((writer) =>
        sendAll(
          writer,
          Array.from({ length: 20 }, () => shuffled(rows).slice(0, 200)),
          2,
          { count: -1 },
        ),
      ),
    );
    const added = total(results.flat(), "written");
    const [{ deadlocks } = {}] = await queryOnce(
      url,
      "SELECT deadlocks::int FROM pg_stat_database WHERE datname = current_database()",
    );
    expect(deadlocks).toBe(0);
    await expectExact(writers[0]!, added);
    await sendAll(writers[0]!, [rows], 1);
    await expectExact(writers[0]!, 2_000);
  });

  it("when a transaction of somebody else's ends in a deadlock with an append: the append is repeated", async () => {
    const store = open();
    const row = usageRow();
    await store.append([row]);
    const other = new pg.Client({ connectionString: url });
    await other.connect();
    try {
      await other.query("SET deadlock_timeout = '10s'");
      await other.query("BEGIN");
      await other.query("UPDATE meterbridge.usage_totals SET records = records");
      const [first] = await queryOnce(url, "SELECT count(*)::int AS n FROM meterbridge.usage_quarters");
      expect(first).toEqual({ n: 1 });
      const appended = store.append([usageRow({ occurredAt: row.occurredAt, eventId: "zzz", capturedAt: 0 })]);
      await until(async () => {
        const [{ waits } = {}] = await queryOnce(
          url,
          "SELECT count(*)::int AS waits FROM pg_stat_activity WHERE wait_event_type = 'Lock'",
        );
        return waits === 1;
      }, "the append to wait");
      await other.query("UPDATE meterbridge.usage_quarters SET records = records");
      await other.query("COMMIT");
      expect(await appended).toMatchObject({ written: 1 });
      await until(async () => {
        const [found] = await queryOnce(
          url,
          "SELECT deadlocks::int FROM pg_stat_database WHERE datname = current_database()",
        );
        return found?.["deadlocks"] === 1;
      }, "the deadlock to be counted");
    } finally {
      await other.end();
    }
    await expectExact(store, 2);
  });

  it("without a word of user or password in what it says", async () => {
    const { port } = new URL(url);
    for (const address of [`127.0.0.1:${port}/no_such_database`, "127.0.0.1:1/nowhere", "no-such-host.invalid/d"]) {
      const store = open({ url: `postgresql://mallory:s3cret@${address}?application_name=hidden` });
      const failed: unknown = await store.open().catch((error: unknown) => error);
      expect(ledgerErrorReason(failed)).toBe("unavailable");
      expect(`${String(failed)} ${store.location}`).not.toMatch(/s3cret|hidden/);
      expect(store.location).not.toContain("mallory");
    }
    for (const bad of ["mysql://u:s3cret@h/d", "postgresql://u:s3cret@[h", "s3cret"]) {
      expect(() => postgresqlStore({ url: bad })).toThrow(
        /^\[meterbridge\] \[ledger\] \[postgresql\] option "url" must be like/,
      );
      expect(() => postgresqlStore({ url: bad })).not.toThrow(/s3cret/);
    }
  });
});

/** Sends the batches, several at once, each until it is acknowledged. */
async function sendAll(
  store: PostgresqlStore,
  batches: readonly LedgerRow[][],
  concurrency: number,
  failures: Failures = { count: 0 },
): Promise<AppendResult[]> {
  const waiting = [...batches];
  const results: AppendResult[] = [];
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      for (let batch = waiting.shift(); batch !== undefined; batch = waiting.shift()) {
        results.push(await appendUntilDone(store, batch, failures));
      }
    }),
  );
  return results;
}

/** How many appends failed; -1 where none may. */
interface Failures {
  count: number;
}

async function appendUntilDone(
  store: PostgresqlStore,
  rows: readonly LedgerRow[],
  failures: Failures,
): Promise<AppendResult> {
  for (;;) {
    try {
      return await store.append(rows);
    } catch (error) {
      if (ledgerErrorReason(error) !== "unavailable" || failures.count < 0) throw error;
      failures.count++;
      await sleep(20);
    }
  }
}

function total(results: readonly AppendResult[], field: keyof AppendResult): number {
  return results.reduce((sum, result) => sum + result[field], 0);
}
