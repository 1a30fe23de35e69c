import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { llm, withAttribution } from "@meterbridge/core";
import { type Sdk, start } from "@meterbridge/node";
import { DataPointType, type ResourceMetrics } from "@opentelemetry/sdk-metrics";
import { Redis } from "ioredis";
import { MongoClient } from "mongodb";
import mysql from "mysql2/promise";
import pg from "pg";
import { createClient } from "redis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { findPostgresql, type PostgresqlServer, startPostgresql } from "../../ledger/test/support/postgresql-server.ts";
import { findRedis, type RedisServer, startRedis } from "../../ledger/test/support/redis-server.ts";
import { until } from "../../../test/support/servers.ts";
import { type FakeDatabase, fakeMongodb, fakeMysql } from "./instrumentations-fakes.ts";
import { hideEnvironment, keepingExporter, type KeepingExporter, keepingLogger } from "./support.ts";

let sdk: Sdk;
let exporter: KeepingExporter;
beforeEach(() => {
  hideEnvironment();
  exporter = keepingExporter();
  sdk = start({ exporters: [exporter], diagLogger: keepingLogger() });
});
afterEach(async () => {
  await sdk.shutdown();
  vi.unstubAllEnvs();
});

/** What was recorded, in a line for each series: system, operation, collection and error, and how often. */
async function operations(): Promise<string[]> {
  return linesOf(await exporter.collect());
}

function linesOf({ scopeMetrics }: ResourceMetrics): string[] {
  const lines: string[] = [];
  for (const metric of scopeMetrics.flatMap((scope) => scope.metrics)) {
    if (metric.descriptor.name !== "db.client.operation.duration") continue;
    if (metric.dataPointType !== DataPointType.HISTOGRAM) throw new Error("not a histogram");
    for (const { attributes, value } of metric.dataPoints) {
      if (value.sum === undefined || value.sum < 0 || value.sum > 60) throw new Error("not seconds");
      const labels = ["db.system.name", "db.operation.name", "db.collection.name", "error.type", "tenant"];
      expect(labels).toEqual(expect.arrayContaining(Object.keys(attributes)));
      const words = labels.flatMap((label) => (label in attributes ? [JSON.stringify(attributes[label])] : []));
      lines.push(`${words.join(" ").replaceAll('"', "")}: ${value.count}`);
    }
  }
  return lines.toSorted();
}

describe.skipIf(findPostgresql() === undefined)("pg, on a real PostgreSQL", () => {
  let server: PostgresqlServer;
  let client: pg.Client;
  let pool: pg.Pool;
  beforeAll(async () => {
    server = await startPostgresql();
    client = new pg.Client(server.url);
    await client.connect();
    pool = new pg.Pool({ connectionString: server.url, max: 2 });
  });
  afterAll(async () => {
    await pool?.end();
    await client?.end();
    await server?.stop();
  });

  test("queries by promise, callback, pool and query object are each counted once, by operation and tenant", async () => {
    await withAttribution({ tenant: "acme" }, () => client.query("SELECT $1::int AS one", [1]));
    await new Promise<void>((resolve, reject) => {
      client.query("SELECT 2", (error) => (error ? reject(error) : resolve()));
    });
    await new Promise<void>((resolve, reject) => {
      client.query("SELECT $1::int", [3], (error) => (error ? reject(error) : resolve()));
    });
    await client.query({ text: "SELECT 4" });
    expect((await pool.query("CREATE TABLE counted (id int PRIMARY KEY)")).command).toBe("CREATE");
    await pool.query("INSERT INTO counted VALUES ($1)", [1]);
    const query = client.query(new pg.Query("SELECT id FROM counted"));
    await new Promise((resolve, reject) => query.on("end", resolve).on("error", reject));
    expect(await operations()).toEqual([
      "postgresql CREATE: 1",
      "postgresql INSERT: 1",
      "postgresql SELECT acme: 1",
      "postgresql SELECT: 4",
    ]);
  });

  test("a query that fails is told by its SQLSTATE, and fails as it did", async () => {
    await pool.query("CREATE TABLE once (id int PRIMARY KEY)");
    await pool.query("INSERT INTO once VALUES (1)");
    await expect(pool.query("INSERT INTO once VALUES (1)")).rejects.toMatchObject({ code: "23505" });
    const failed = await new Promise<Error>((resolve) => client.query("SELECT nonsense", (error) => resolve(error)));
    expect(failed).toMatchObject({ code: "42703" });
    const query = client.query(new pg.Query("SELECT more_nonsense"));
    expect(await new Promise((resolve) => query.on("error", resolve))).toMatchObject({ code: "42703" });
    expect(await operations()).toEqual([
      "postgresql CREATE: 1",
      "postgresql INSERT 23505: 1",
      "postgresql INSERT: 1",
      "postgresql SELECT 42703: 2",
    ]);
  });

  test("what stands in a statement is never a label", async () => {
    await client.query("SELECT 'ada@example.org' AS \"4111 1111 1111 1111\"");
    await expect(client.query("'ada@example.org'")).rejects.toThrow("syntax error");
    expect(await operations()).toEqual(["postgresql 42601: 1", "postgresql SELECT: 1"]);
  });

  test("what is asked while nothing is started is not counted, and the client is as it was", async () => {
    const wrapped = pg.Client.prototype.query;
    await sdk.shutdown();
    expect(pg.Client.prototype.query).not.toBe(wrapped);
    await client.query("SELECT 1");
    exporter = keepingExporter();
    sdk = start({ exporters: [exporter], diagLogger: keepingLogger() });
    await client.query("SELECT 1");
    expect(await operations()).toEqual(["postgresql SELECT: 1"]);
  });

  test("the ledger's own connections are told apart from the application's", async () => {
    const own = new pg.Pool({ connectionString: server.url, application_name: "meterbridge" });
    await own.query("SELECT 1");
    await own.end();
    expect(await operations()).toEqual([]);
  });

  test("what a ledger that is given asks for an event that it is handed is its own", async () => {
    await sdk.shutdown();
    exporter = keepingExporter();
    const asked: Promise<unknown>[] = [];
    const ledger = {
      write: () => void asked.push(new Promise((resolve) => setTimeout(() => resolve(pool.query("SELECT 1")), 1))),
      flush: () => Promise.resolve(true),
      close: () => Promise.resolve(),
    };
    sdk = start({ exporters: [exporter], diagLogger: keepingLogger(), ledger });
    llm.record({ provider: "openai", model: "gpt-5" });
    await Promise.all(asked);
    expect(asked).toHaveLength(1);
    expect(await operations()).toEqual([]);
  });
});

describe.skipIf(findRedis() === undefined)("on a real Redis", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server?.stop());

  test("ioredis: commands, pipelines and transactions are counted command by command", async () => {
    const client = new Redis(server.url, { lazyConnect: true });
    await client.connect();
    await client.set("name", "ada@example.org");
    await client.get("name");
    await client.pipeline().get("name").get("name").exec();
    await client.multi().get("name").exec();
    await expect(client.lpush("name", "x")).rejects.toThrow("WRONGTYPE");
    client.disconnect();
    expect(await operations()).toEqual([
      "redis EXEC: 1",
      "redis GET: 4",
      "redis LPUSH WRONGTYPE: 1",
      "redis MULTI: 1",
      "redis SET: 1",
    ]);
  });

  test("redis: commands and pipelines are counted command by command, a transaction as one", async () => {
    const client = createClient({ url: server.url });
    await client.connect();
    await client.set("name", "ada@example.org");
    await client.get("name");
    await client.multi().get("name").get("name").execAsPipeline();
    await client.multi().get("name").get("name").exec();
    await expect(client.lPush("name", "x")).rejects.toThrow("WRONGTYPE");
    client.destroy();
    expect(await operations()).toEqual(["redis GET: 3", "redis LPUSH WRONGTYPE: 1", "redis MULTI: 1", "redis SET: 1"]);
  });
});

test.skipIf(findPostgresql() === undefined || findRedis() === undefined)(
  "what a real ledger asks of PostgreSQL and Redis is its own, and what the application asks at the same time is counted",
  async () => {
    const [postgresql, redis] = await Promise.all([startPostgresql(), startRedis()]);
    const directory = mkdtempSync(path.join(tmpdir(), "meterbridge-own-traffic-"));
    try {
      await sdk.shutdown();
      vi.stubEnv("DATABASE_URL", postgresql.url);
      vi.stubEnv("REDIS_URL", redis.url);
      vi.stubEnv("METERBRIDGE_LEDGER_COUNTERS", "redis");
      vi.stubEnv("METERBRIDGE_LEDGER_DIRECTORY", directory);
      exporter = keepingExporter();
      sdk = start({ exporters: [exporter], diagLogger: keepingLogger(), ledger: "postgresql" });
      for (let call = 0; call < 100; call++) {
        withAttribution({ tenant: "acme", user: `user-${call}` }, () =>
          llm.record({ provider: "openai", model: "gpt-5" }),
        );
      }
      const client = new pg.Client(postgresql.url);
      await client.connect();
      await client.query("SELECT 1");
      await client.end();
      await sdk.forceFlush();
      await until(async () => ((await redis.keys()).length > 0 ? true : undefined), "the counters to be in Redis");
      const written = await postgresql.query("SELECT count(*)::int AS rows FROM meterbridge.usage_events");
      expect(written).toEqual([{ rows: 100 }]);
      // Ours, and those of the server's support, whose connections are clients of pg as well.
      const lines = await operations();
      expect(lines.filter((line) => !line.startsWith("postgresql SELECT: "))).toEqual([]);
      expect(lines).toEqual(["postgresql SELECT: 2"]);
    } finally {
      await sdk.shutdown();
      await Promise.all([postgresql.stop(), redis.stop()]);
      rmSync(directory, { recursive: true, force: true });
    }
  },
  60_000,
);

describe("on a server of little more than its protocol", () => {
  let server: FakeDatabase | undefined;
  afterEach(() => server?.close());

  test("mysql2: queries are counted by operation, and failures by their code", async () => {
    server = await fakeMysql();
    const connection = await mysql.createConnection({ host: "127.0.0.1", port: server.port });
    await connection.query("SELECT 1");
    await connection.query("/* who asks */ UPDATE t SET name = 'ada@example.org'");
    await expect(connection.query("SELECT * FROM missing")).rejects.toThrow("missing");
    connection.destroy();
    expect(await operations()).toEqual(["mysql SELECT ER_NO_SUCH_TABLE: 1", "mysql SELECT: 1", "mysql UPDATE: 1"]);
  });

  test("mongodb: operations are counted with their collection, without heartbeats, and failures by their code", async () => {
    server = await fakeMongodb();
    const client = new MongoClient(`mongodb://127.0.0.1:${server.port}/?directConnection=true`);
    const orders = client.db("shop").collection("orders");
    expect(await orders.findOne({ email: "ada@example.org" })).toEqual({ _id: 1 });
    await orders.insertOne({ email: "ada@example.org" });
    await expect(orders.insertOne({ _id: 1 } as object)).rejects.toThrow("duplicate key");
    await expect(client.db("shop").command({ insert: "orders", documents: [{ _id: 1 }] })).resolves.toBeDefined();
    expect(await orders.drop()).toBe(false);
    await client.db("shop").command({ dropUser: "ada@example.org" });
    await client.close();
    expect(await operations()).toEqual([
      "mongodb drop orders 26: 1",
      "mongodb dropUser: 1",
      "mongodb find orders: 1",
      "mongodb insert orders 11000: 2",
      "mongodb insert orders: 1",
    ]);
  });
});
