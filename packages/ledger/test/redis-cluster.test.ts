import { Cluster } from "ioredis";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { createCluster } from "redis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "../../../test/support/servers.ts";
import { createActiveUsers } from "../src/redis/active-users.ts";
import { createCounterSync } from "../src/redis/counter-sync.ts";
import { createHotCounters } from "../src/redis/hot-counters.ts";
import { connectRedis, luaScript } from "../src/redis/redis-client.ts";
import type { RedisClient } from "../src/redis/redis-transport.ts";
import { findRedis, startRedis, type RedisServer } from "./support/redis-server.ts";
import { totalsStore } from "./support/redis-totals-store.ts";

const redisCli = findRedis("redis-cli");

describe.skipIf(redisCli === undefined)("a real Redis Cluster of three", () => {
  let servers: RedisServer[] = [];

  beforeAll(async () => {
    const asCluster = ["--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf"];
    servers = await Promise.all([0, 1, 2].map(() => startRedis({ arguments: asCluster, isInCluster: true })));
    const nodes = servers.map(({ port }) => `127.0.0.1:${port}`);
    await promisify(execFile)(redisCli!, ["--cluster", "create", ...nodes, "--cluster-yes"]);
    for (const server of servers) {
      await until(async () => (await server.command("CLUSTER", "INFO")).includes("cluster_state:ok"), "the cluster");
    }
  });

  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()));
  });

  const clients: Record<string, () => Promise<{ client: RedisClient; end: () => unknown }>> = {
    ioredis: async () => {
      const client = new Cluster(servers.map(({ port }) => ({ host: "127.0.0.1", port })));
      client.on("error", () => {});
      return { client, end: () => client.disconnect() };
    },
    "node-redis": async () => {
      const client = createCluster({ rootNodes: servers.map(({ url }) => ({ url })) });
      client.on("error", () => {});
      await client.connect();
      return { client, end: () => client.destroy() };
    },
  };

  for (const [kind, make] of Object.entries(clients)) {
    test(`${kind}: counters, scripts and active users of many tenants find their slots, and spread over the servers`, async () => {
      const { client, end } = await make();
      const redis = connectRedis({ client });
      const store = totalsStore();
      const names = Array.from({ length: 60 }, (_, index) => `tenant-${index}`).concat("", "a}b{c", "a:b");
      for (const name of names) store.add(name, "ada", "task");
      const counters = createHotCounters({ redis, store, prefix: kind });
      const sync = createCounterSync({ store, counters });
      const users = createActiveUsers({ redis, prefix: kind });
      try {
        await sync.rebuild();
        for (const name of names) {
          expect(await counters.read(name)).toMatchObject({ tasks: 1, source: "redis" });
          expect(await counters.read(name, "ada")).toMatchObject({ tasks: 1, source: "redis" });
          users.seen("ada", undefined, name);
        }
        await users.flush();
        expect(await users.active("1d")).toEqual({ users: 1, source: "redis" });
        expect(await users.active("5m", "a}b{c")).toEqual({ users: 1, source: "redis" });
        const unknown = luaScript("unknown", `return {KEYS[1], '${kind}'}`);
        expect(await redis.script(unknown, ["{a}"], [])).toEqual(["{a}", kind]);
        for (const server of servers) expect(await server.keys(`${kind}:*`)).not.toHaveLength(0);
      } finally {
        await Promise.all([sync.close(), users.close()]);
        redis.close();
        await end();
      }
    });
  }
});
