import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { until } from "../../../test/support/servers.ts";
import { createLedger } from "../src/ledger.ts";
import { postgresqlStore } from "../src/postgresql.ts";
import { openSpool } from "../src/spool/spool.ts";
import { eventsOf } from "./support/chaos-events.ts";
import type { ChaosPlan } from "./support/chaos-process.ts";
import {
  chaosDirectory,
  type ChaosWriter,
  expectedOf,
  expectExactLedger,
  expectExactMeters,
  startWriter,
} from "./support/chaos-run.ts";
import { startDroppingProxy } from "./support/postgresql-proxy.ts";
import { countRows } from "./support/postgresql-rows.ts";
import { findPostgresql, type PostgresqlServer, queryOnce, startPostgresql } from "./support/postgresql-server.ts";
import { findRedis, type RedisServer, startRedis } from "./support/redis-server.ts";

// The whole: two processes with a ledger each, half of whose events are the same, a spool, hot counters in Redis, and PostgreSQL.

const isMissing = findPostgresql() === undefined || findRedis() === undefined;

describe.skipIf(isMissing)("no event is lost and none counted twice, in rows, rollups, counters and meters", () => {
  let server: PostgresqlServer;
  let redis: RedisServer;

  beforeAll(async () => {
    const settings = { max_connections: "20", superuser_reserved_connections: "0" };
    [server, redis] = await Promise.all([startPostgresql({ settings }), startRedis()]);
  });
  afterAll(() => Promise.all([server.stop(), redis.stop()]));
  afterEach(async () => {
    server.resume();
    await redis.command("FLUSHALL");
  });

  /** Runs two writers while the faults happen, and holds all that was counted against all that was written. */
  async function run(
    faults: (writers: readonly ChaosWriter[]) => Promise<void>,
    reach: (url: string) => string = (url) => url,
  ): Promise<{ readonly spooled: number }> {
    const url = await server.createDatabase();
    const directory = await chaosDirectory();
    const at = Date.now();
    const plans = ["one", "other"].map((name): ChaosPlan => ({
      store: { kind: "postgresql", url: reach(url), timeoutMillis: 250 },
      spool: { directory: path.join(directory, "spool") },
      redisUrl: redis.url,
      appendTimeoutMillis: 300,
      own: { name, at },
      shared: { name: "shared", at },
      perTick: 3,
      flushMillis: 100,
    }));
    const writers = plans.map((plan) => startWriter(plan));
    await Promise.all(writers.map((writer) => writer.more(50)));
    await faults(writers);
    await Promise.all(writers.map((writer) => writer.more(50)));
    const reports = await Promise.all(writers.map((writer) => writer.finish()));
    for (const report of reports) expectExactMeters(report);
    // Who could not bring the counters up to its last rows has to say so, and here nothing is in its way.
    expect(reports.flatMap(({ told }) => told).filter((line) => line.includes("at the end of this process"))).toEqual(
      [],
    );
    const expected = expectedOf(plans, reports);
    const store = postgresqlStore({ url });
    try {
      await expectExactLedger(store, expected, redis.url);
    } finally {
      await store.close();
    }
    expect(await countRows(url)).toEqual({ rows: expected.events, wrongBuckets: 0 });
    return { spooled: reports.reduce((sum, { status }) => sum + status.spooled, 0) };
  }

  test("while PostgreSQL crashes and restarts, again and again", async () => {
    const { spooled } = await run(async () => {
      for (let round = 0; round < 4; round++) {
        await server.restartImmediate();
        await sleep(300);
      }
    });
    expect(spooled).toBeGreaterThan(0);
  });

  test("while PostgreSQL is stopped for seconds", async () => {
    const { spooled } = await run(async (writers) => {
      process.kill(server.pid, "SIGINT");
      await sleep(2_000);
      await Promise.all(writers.map((writer) => writer.more(50)));
      await server.restartImmediate();
    });
    expect(spooled).toBeGreaterThan(0);
  });

  test("while PostgreSQL is frozen for longer than an append may take, twice", async () => {
    const { spooled } = await run(async (writers) => {
      for (let round = 0; round < 2; round++) {
        server.pause();
        await Promise.all(writers.map((writer) => writer.more(150)));
        server.resume();
        await sleep(500);
      }
    });
    expect(spooled).toBeGreaterThan(0);
  });

  test("while every 20th answer is lost after the commit", async () => {
    const proxy = await startDroppingProxy(server.url);
    try {
      await run(
        async (writers) => {
          proxy.dropEvery = 20;
          await Promise.all(writers.map((writer) => writer.more(400)));
          proxy.dropEvery = 0;
        },
        (url) => proxy.url.replace(/[^/]+$/, url.split("/").at(-1)!),
      );
      expect(proxy.dropped).toBeGreaterThan(0);
    } finally {
      await proxy.stop();
    }
  });

  test("while PostgreSQL has no connection left", async () => {
    const { spooled } = await run(async (writers) => {
      // A writer may be quicker to come back than another to take its place: it is cut off until none is left.
      const others: pg.Client[] = [];
      for (let isFull = false; !isFull;) {
        const other = new pg.Client({ connectionString: server.url });
        other.on("error", () => {});
        try {
          await other.connect();
          others.push(other);
        } catch {
          const cut = await others[0]!.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'meterbridge'",
          );
          isFull = cut.rowCount === 0;
        }
      }
      await Promise.all(writers.map((writer) => writer.more(100)));
      await Promise.all(others.map((other) => other.end()));
    });
    expect(spooled).toBeGreaterThan(0);
  });

  test("while PostgreSQL turns read-only and writable again", async () => {
    const { spooled } = await run(async (writers) => {
      await server.query("ALTER SYSTEM SET default_transaction_read_only = on");
      await server.query("SELECT pg_reload_conf()");
      await Promise.all(writers.map((writer) => writer.more(150)));
      await server.query("ALTER SYSTEM RESET default_transaction_read_only");
      await server.query("SELECT pg_reload_conf()");
    });
    expect(spooled).toBeGreaterThan(0);
  });

  test("while Redis is killed, empty when it is back, and flushed", async () => {
    await run(async (writers) => {
      await redis.kill();
      await Promise.all(writers.map((writer) => writer.more(100)));
      await redis.restart();
      await until(async () => (await redis.keys()).length > 0, "the counters to be set in the empty Redis");
      await Promise.all(writers.map((writer) => writer.more(50)));
      await redis.command("FLUSHALL");
      // Every owner's turn comes within 60 numbers.
      await Promise.all(writers.map((writer) => writer.more(60)));
    });
  });

  test("a database that is emptied while the ledger runs gets its tables anew, and what comes from then on", async () => {
    const url = await server.createDatabase();
    const store = postgresqlStore({ url });
    const spool = openSpool({ directory: path.join(await chaosDirectory(), "spool") });
    const ledger = createLedger({ store, spool });
    const series = { name: "emptied", at: Date.now() };
    for (const event of eventsOf(series, 0)) ledger.write(event);
    expect(await ledger.flush()).toBe(true);
    await queryOnce(url, "DROP SCHEMA meterbridge CASCADE");
    for (const event of eventsOf(series, 1)) ledger.write(event);
    await until(() => ledger.status().written === 2, "the second event to be written");
    expect(await countRows(url)).toEqual({ rows: 1, wrongBuckets: 0 });
    await ledger.close();
  });
});
