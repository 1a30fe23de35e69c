import { Redis } from "ioredis";
import { connect as connectTo, createServer, type Socket } from "node:net";
import { createClient } from "redis";
import { afterEach, describe, expect, test } from "vitest";
import { freePort, until } from "../../../test/support/servers.ts";
import { createCounterSync } from "../src/redis/counter-sync.ts";
import { createHotCounters, type HotCounters } from "../src/redis/hot-counters.ts";
import { connectRedis, type RedisOptions } from "../src/redis/redis-client.ts";
import { findRedis, startRedis, type RedisServer, type RedisServerOptions } from "./support/redis-server.ts";
import { totalsStore, type TotalsStore } from "./support/redis-totals-store.ts";

const hasRedis = findRedis() !== undefined;
const cleanUp: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of cleanUp.splice(0).toReversed()) await end();
});

async function redisServer(options?: RedisServerOptions): Promise<RedisServer> {
  const server = await startRedis(options);
  cleanUp.push(() => server.stop());
  return server;
}

/** Counters on a connection of their own, as in a process of their own. */
function instance(store: TotalsStore, options: RedisOptions & { readonly epoch?: string }) {
  const { epoch, ...redisOptions } = options;
  const lines: string[] = [];
  const diag = { warn: (line: string) => void lines.push(line) };
  const redis = connectRedis({ ...redisOptions, diag });
  cleanUp.push(() => redis.close());
  const counters = createHotCounters({ redis, store, ...(epoch === undefined ? {} : { epoch }) });
  return { redis, counters, lines, diag };
}

function syncing(store: TotalsStore, options: RedisOptions & { readonly rebuildIntervalMillis?: number }) {
  const { rebuildIntervalMillis = 0, ...rest } = options;
  const made = instance(store, rest);
  const sync = createCounterSync({ store, ...made, intervalMillis: 20, rebuildIntervalMillis });
  cleanUp.push(() => sync.close());
  return { ...made, sync };
}

async function applyAll(counters: HotCounters, store: TotalsStore): Promise<void> {
  const totals = await store.totals({ tenants: await store.tenants() });
  await counters.apply(totals);
}

async function expectRead(counters: HotCounters, tenant: string, tasks: number, source: "redis" | "store" = "redis") {
  expect(await counters.read(tenant)).toMatchObject({ tasks, source });
}

async function untilRead(counters: HotCounters, tenant: string, tasks: number): Promise<void> {
  await until(async () => {
    const reading = await counters.read(tenant);
    return reading.source === "redis" && reading.tasks === tasks;
  }, `${tasks} tasks of ${tenant} in Redis`);
}

describe.skipIf(!hasRedis)("hot counters", () => {
  test("what any client reads under the promised names is what the store says", async () => {
    const server = await redisServer();
    const store = totalsStore();
    store.add("acme", "ada", "task", { inferenceMicros: 1_500_400, errors: 1 });
    store.add("acme", "ada", "llm_call", { inputTokens: 1000, outputTokens: 23, costNanoUsd: 9_007_199_254_740_993n });
    store.add("acme", null, "tool_call");
    const { sync, counters } = syncing(store, { url: server.url });
    await sync.rebuild();
    const read = (name: string) => server.get(`metrics:${name}`);
    expect(await read("tenant:{acme}:tasks")).toBe("1");
    expect(await read("tenant:{acme}:tokens")).toBe("1023");
    expect(await read("tenant:{acme}:duration_ms")).toBe("1500");
    expect(await read("tenant:{acme}:errors")).toBe("1");
    expect(await read("tenant:{acme}:tool_calls")).toBe("1");
    expect(await read("tenant:{acme}:llm_calls")).toBe("1");
    expect(await read("tenant:{acme}:cost_nano_usd")).toBe("9007199254740993");
    expect(await read("employee:{acme}:ada:tasks")).toBe("1");
    expect(await read("employee:{acme}:ada:tool_calls")).toBe("0");
    const expected = { tasks: 1, tokens: 1023, durationMs: 1500, errors: 1, toolCalls: 0, llmCalls: 1 };
    const costNanoUsd = 9_007_199_254_740_993n;
    expect(await counters.read("acme", "ada")).toEqual({ ...expected, costNanoUsd, source: "redis" });
    await server.command("FLUSHALL");
    expect(await counters.read("acme", "ada")).toEqual({ ...expected, costNanoUsd, source: "store" });
  });

  test("totals applied twice, late, and in any order end at the newest", async () => {
    const server = await redisServer();
    const store = totalsStore();
    const { counters } = instance(store, { url: server.url });
    const states = [];
    for (let tasks = 1; tasks <= 5; tasks += 1) {
      store.add("acme", "ada", "task");
      states.push(await store.totals({ tenants: ["acme"] }));
    }
    for (const index of [0, 4, 2, 4, 1, 0, 3]) await counters.apply(states[index]!);
    await expectRead(counters, "acme", 5);
  });

  test("eight instances that sync one tenant at once, in random order, end at the highest", async () => {
    const server = await redisServer();
    const store = totalsStore();
    const instances = Array.from({ length: 8 }, () => syncing(store, { url: server.url }));
    await Promise.all(
      instances.map(async ({ sync }) => {
        for (let tasks = 0; tasks < 50; tasks += 1) {
          store.add("acme", "ada", "task");
          sync.touched([{ tenant: "acme", employee: "ada" }]);
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
          if (Math.random() < 0.3) await sync.flush();
        }
        await sync.flush();
      }),
    );
    expect(await server.get("metrics:tenant:{acme}:tasks")).toBe("400");
    expect(await server.get("metrics:employee:{acme}:ada:tasks")).toBe("400");
  });

  test("an answer that was lost after the script ran counts nothing twice", async () => {
    const server = await redisServer();
    const store = totalsStore();
    const proxy = await answerLosingProxy(server.port);
    const { counters } = instance(store, { url: `redis://127.0.0.1:${proxy.port}`, timeoutMillis: 200 });
    store.add("acme", null, "task");
    await applyAll(counters, store);
    store.add("acme", null, "task");
    proxy.loseAnswers = true;
    await expect(applyAll(counters, store)).rejects.toThrow(/setting hot counters failed/);
    expect(await server.get("metrics:tenant:{acme}:tasks")).toBe("2");
    proxy.loseAnswers = false;
    await until(() => applyAll(counters, store).then(() => true), "the retry");
    expect(await server.get("metrics:tenant:{acme}:tasks")).toBe("2");
  });

  test("hostile tenants and employees keep counters of their own", async () => {
    const server = await redisServer();
    const store = totalsStore();
    const names = [
      "",
      "a",
      "a}",
      "{a}",
      "a:tasks",
      "%",
      "%7B",
      "a\0b",
      "a\nb",
      "'; FLUSHALL",
      '"',
      "é",
      "𝒳",
      "x".repeat(255),
    ];
    names.forEach((name, index) => {
      for (let task = 0; task <= index; task += 1) store.add(name, `${name}}`, "task");
    });
    const { sync, counters } = syncing(store, { url: server.url });
    await sync.rebuild();
    for (const [index, name] of names.entries()) {
      await expectRead(counters, name, index + 1);
      expect(await counters.read(name, `${name}}`)).toMatchObject({ tasks: index + 1, source: "redis" });
    }
    expect(await server.keys()).toHaveLength(names.length * 16);
  });

  test("keys of somebody else's stop their own tenant alone, with one line", async () => {
    const server = await redisServer();
    const store = totalsStore();
    store.add("acme", null, "task");
    store.add("bolt", null, "task");
    await server.command("LPUSH", "metrics:tenant:{acme}:version", "theirs");
    const { sync, counters, lines } = syncing(store, { url: server.url });
    await sync.rebuild();
    await sync.rebuild();
    await expectRead(counters, "bolt", 1);
    await expectRead(counters, "acme", 1, "store");
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/hot counters of tenant "acme" are left as they are: .*WRONGTYPE/);
  });

  test("a store that replaced another at a new place takes its counters over, though it has fewer rows", async () => {
    const server = await redisServer();
    const old = totalsStore("old.db");
    for (let tasks = 0; tasks < 9; tasks += 1) old.add("acme", null, "task");
    await applyAll(instance(old, { url: server.url }).counters, old);
    const store = totalsStore("new.db");
    const { counters } = instance(store, { url: server.url });
    await expectRead(counters, "acme", 0, "store");
    store.add("acme", null, "task");
    await applyAll(counters, store);
    await expectRead(counters, "acme", 1);
  });

  test("a store restored from a backup at the same place takes its counters back, and no slow reader does", async () => {
    const server = await redisServer();
    const store = totalsStore();
    for (let tasks = 0; tasks < 3; tasks += 1) store.add("acme", null, "task");
    const earlier = await store.totals({ tenants: ["acme"] });
    for (let tasks = 0; tasks < 6; tasks += 1) store.add("acme", null, "task");
    const { sync, counters } = syncing(store, { url: server.url });
    await sync.rebuild();
    await counters.apply(earlier);
    await expectRead(counters, "acme", 9);
    store.clear();
    store.add("acme", null, "task");
    await sync.rebuild();
    await expectRead(counters, "acme", 1);
  });
});

describe.skipIf(!hasRedis)("hot counters when Redis fails", () => {
  test("Redis is not there at start: reads come from the store, and counters are whole when it comes", async () => {
    const port = await freePort();
    const store = totalsStore();
    store.add("acme", "ada", "task");
    store.add("quiet", "bob", "task");
    const { sync, counters, lines } = syncing(store, { url: `redis://127.0.0.1:${port}` });
    sync.touched([{ tenant: "acme", employee: "ada" }]);
    await sync.flush();
    await expectRead(counters, "acme", 1, "store");
    await until(() => lines.length > 0, "the line");
    const server = await redisServer({ port });
    await untilRead(counters, "acme", 1);
    await until(() => server.get("metrics:employee:{quiet}:bob:tasks"), "the employees of tenants nobody touched");
    expect(lines).toHaveLength(2);
  });

  test("kill -9 without persistence: all counters are gone, and whole again without anybody's doing", async () => {
    const server = await redisServer();
    const store = totalsStore();
    for (const tenant of ["acme", "bolt", "cord"])
      for (let tasks = 0; tasks < 4; tasks += 1) store.add(tenant, "ada", "task");
    const { sync, counters } = syncing(store, { url: server.url });
    await sync.rebuild();
    await server.restart();
    expect(await server.keys()).toEqual([]);
    await expectRead(counters, "bolt", 4, "store");
    for (const tenant of ["acme", "bolt", "cord"]) await untilRead(counters, tenant, 4);
    await until(async () => (await server.keys()).length === 48, "all keys of three tenants and three employees");
  });

  test("kill -9 and a process that has no rebuild: the next touch brings a tenant up to its whole total", async () => {
    const server = await redisServer();
    const store = totalsStore();
    for (let tasks = 0; tasks < 4; tasks += 1) store.add("acme", "ada", "task");
    const { counters } = instance(store, { url: server.url });
    await applyAll(counters, store);
    await server.restart();
    store.add("acme", "ada", "task");
    await until(() => applyAll(counters, store).then(() => true), "the next touch");
    expect(await server.get("metrics:tenant:{acme}:tasks")).toBe("5");
  });

  test("FLUSHALL between two touches: the total is whole, and what nobody touched is mended by being read", async () => {
    const server = await redisServer();
    const store = totalsStore();
    for (const tenant of ["acme", "bolt"]) for (let tasks = 0; tasks < 4; tasks += 1) store.add(tenant, null, "task");
    const { sync, counters } = syncing(store, { url: server.url });
    await sync.rebuild();
    await sync.flush();
    await server.command("FLUSHALL");
    store.add("acme", null, "task");
    sync.touched([{ tenant: "acme", employee: null }]);
    await sync.flush();
    await expectRead(counters, "acme", 5);
    await expectRead(counters, "bolt", 4, "store");
    await untilRead(counters, "bolt", 4);
  });

  test("a paused Redis: a read is answered by the store within the deadline, later ones at once", async () => {
    const server = await redisServer();
    const store = totalsStore();
    store.add("acme", null, "task");
    const { counters, lines } = instance(store, { url: server.url, timeoutMillis: 200 });
    await applyAll(counters, store);
    server.pause();
    for (let read = 0; read < 3; read += 1) {
      const begun = performance.now();
      await expectRead(counters, "acme", 1, "store");
      expect(performance.now() - begun).toBeLessThan(2_000);
    }
    const begun = performance.now();
    for (let read = 0; read < 100; read += 1) await expectRead(counters, "acme", 1, "store");
    expect(performance.now() - begun).toBeLessThan(2_000);
    expect(lines).toHaveLength(1);
    server.resume();
    await untilRead(counters, "acme", 1);
    expect(lines).toHaveLength(2);
  });

  test("out of memory without eviction: old counters stay readable, one line is told, and all is made up afterwards", async () => {
    const server = await redisServer({ arguments: ["--maxmemory-policy", "noeviction"] });
    const store = totalsStore();
    store.add("acme", null, "task");
    const { sync, counters, lines, redis } = syncing(store, { url: server.url });
    await sync.rebuild();
    await server.command("CONFIG", "SET", "maxmemory", "1");
    store.add("acme", null, "task");
    sync.touched([{ tenant: "acme", employee: null }]);
    await until(() => lines.length > 0, "the line");
    await sync.flush();
    expect(redis.state).toBe("up");
    await expectRead(counters, "acme", 1);
    await server.command("CONFIG", "SET", "maxmemory", "0");
    await untilRead(counters, "acme", 2);
    await until(() => lines.length === 2, "the second line");
    expect(lines[0]).toMatch(/hot counters are behind.*OOM/);
    expect(lines[1]).toMatch(/kept up again/);
  });

  test("out of memory with eviction: no reading is ever wrong, whatever has been evicted", async () => {
    const server = await redisServer({ arguments: ["--maxmemory", "1900kb", "--maxmemory-policy", "allkeys-lru"] });
    const store = totalsStore();
    for (let tenant = 0; tenant < 3_000; tenant += 1) store.add(`tenant-${tenant}`, null, "task");
    const { sync, counters } = syncing(store, { url: server.url });
    await sync.rebuild();
    expect(Number(/evicted_keys:(\d+)/.exec(await server.command("INFO", "stats"))?.[1])).toBeGreaterThan(0);
    // Which tenants are whole by now is left to chance; the one that was set last is.
    sync.touched([{ tenant: "tenant-0", employee: null }]);
    await sync.flush();
    const sources = new Set<string>();
    for (let tenant = 0; tenant < 3_000; tenant += 17) {
      const reading = await counters.read(`tenant-${tenant}`);
      expect(reading.tasks).toBe(1);
      sources.add(reading.source);
    }
    expect([...sources].toSorted()).toEqual(["redis", "store"]);
  });

  test("failing over to a replica that is behind: counters that went back come up again", async () => {
    const old = await redisServer();
    const replica = await redisServer({ arguments: ["--replicaof", `127.0.0.1 ${old.port}`] });
    const proxy = await answerLosingProxy(old.port);
    const store = totalsStore();
    for (const tenant of ["acme", "bolt"]) store.add(tenant, "ada", "task");
    const { sync, counters } = syncing(store, { url: `redis://127.0.0.1:${proxy.port}` });
    await sync.rebuild();
    await until(async () => (await replica.get("metrics:employee:{bolt}:ada:tasks")) === "1", "the replica");
    await replica.command("REPLICAOF", "NO", "ONE");
    for (const tenant of ["acme", "bolt"]) store.add(tenant, "ada", "task");
    await sync.rebuild();
    expect(await old.get("metrics:tenant:{acme}:tasks")).toBe("2");
    await old.kill();
    proxy.redirect(replica.port);
    for (const tenant of ["acme", "bolt"]) await untilRead(counters, tenant, 2);
    await until(async () => (await replica.get("metrics:employee:{bolt}:ada:tasks")) === "2", "employees too");
  });

  test("a replica that takes no writes is told once, read from, and made up for", async () => {
    const main = await redisServer();
    const server = await redisServer();
    const store = totalsStore();
    store.add("acme", null, "task");
    const { sync, counters, lines } = syncing(store, { url: server.url });
    await sync.rebuild();
    await server.command("CONFIG", "SET", "replica-serve-stale-data", "yes");
    await server.command("REPLICAOF", "127.0.0.1", String(main.port));
    store.add("acme", null, "task");
    sync.touched([{ tenant: "acme", employee: null }]);
    await until(() => lines.length > 0, "the line");
    expect(lines[0]).toContain("READONLY");
    await server.command("REPLICAOF", "NO", "ONE");
    await untilRead(counters, "acme", 2);
  });

  test("the store fails: what was touched is kept, told, and set when it is back", async () => {
    const server = await redisServer();
    const store = totalsStore();
    const { sync, counters, lines } = syncing(store, { url: server.url });
    await sync.rebuild();
    store.add("acme", null, "task");
    store.failure = new Error("database is locked");
    sync.touched([{ tenant: "acme", employee: null }]);
    await until(() => lines.length > 0, "the line");
    await expect(counters.read("acme")).rejects.toThrow("database is locked");
    store.failure = undefined;
    await untilRead(counters, "acme", 1);
    expect(lines).toHaveLength(2);
  });

  test("touches do not wait for a rebuild that takes long, and neither does the end", async () => {
    const server = await redisServer();
    const store = totalsStore();
    const { sums } = store;
    store.add("acme", null, "task");
    const rebuildMayGoOn = Promise.withResolvers<void>();
    store.sums = async (query) => {
      await rebuildMayGoOn.promise;
      return sums(query);
    };
    const { sync, counters } = syncing(store, { url: server.url });
    const rebuilt = sync.rebuild();
    await untilRead(counters, "acme", 1);
    store.add("acme", null, "task");
    sync.touched([{ tenant: "acme", employee: null }]);
    await untilRead(counters, "acme", 2);
    await sync.close();
    await expectRead(counters, "acme", 2);
    rebuildMayGoOn.resolve();
    await rebuilt;
  });

  test("more tenants touched in an outage than are remembered one by one are all made up for", async () => {
    const port = await freePort();
    const store = totalsStore();
    const { sync, counters } = syncing(store, { url: `redis://127.0.0.1:${port}` });
    for (let tenant = 0; tenant < 10_500; tenant += 1) {
      store.add(`tenant-${tenant}`, null, "task");
      sync.touched([{ tenant: `tenant-${tenant}`, employee: null }]);
    }
    await redisServer({ port });
    await until(async () => (await counters.redis.command("DBSIZE")) === 84_000, "all keys", 40);
  }, 60_000);
});

describe.skipIf(!hasRedis)("hot counters through the application's client", () => {
  for (const [kind, make] of Object.entries({
    ioredis: async (url: string) => {
      const client = new Redis(url);
      return { client, end: () => client.disconnect() };
    },
    "node-redis": async (url: string) => {
      const client = createClient({ url });
      await client.connect();
      return { client, end: () => client.destroy() };
    },
  })) {
    test(`${kind}: sets, reads, and is made whole after a restart`, async () => {
      const server = await redisServer();
      const { client, end } = await make(server.url);
      client.on("error", () => {});
      cleanUp.push(end);
      const store = totalsStore();
      store.add("acme", "ada", "task");
      const { sync, counters } = syncing(store, { client });
      await sync.rebuild();
      await expectRead(counters, "acme", 1);
      await server.restart();
      await untilRead(counters, "acme", 1);
      await until(() => server.get("metrics:employee:{acme}:ada:tasks"), "the employee");
    });
  }
});

/** A TCP proxy that can swallow what the server answers, and be pointed at another server. */
async function answerLosingProxy(firstPort: number) {
  let target = firstPort;
  const sockets = new Set<Socket>();
  const state = { port: await freePort(), loseAnswers: false, redirect };
  const server = createServer((down) => {
    const up = connectTo(target, "127.0.0.1");
    for (const [socket, other] of [
      [down, up],
      [up, down],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => other.destroy());
    }
    down.on("data", (data) => up.write(data));
    up.on("data", (data) => {
      if (state.loseAnswers) down.destroy();
      else down.write(data);
    });
  });
  function redirect(port: number): void {
    target = port;
    for (const socket of sockets) socket.destroy();
  }
  await new Promise<void>((resolve) => server.listen(state.port, "127.0.0.1", resolve));
  cleanUp.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return state;
}
