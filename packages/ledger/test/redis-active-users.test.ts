import { afterEach, describe, expect, test } from "vitest";
import { freePort, until } from "../../../test/support/servers.ts";
import { createActiveUsers } from "../src/redis/active-users.ts";
import { connectRedis } from "../src/redis/redis-client.ts";
import { findRedis, startRedis, type RedisServer, type RedisServerOptions } from "./support/redis-server.ts";

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

/** As in a process of its own. */
function instance(url: string, timeoutMillis = 500) {
  const lines: string[] = [];
  const diag = { warn: (line: string) => void lines.push(line) };
  const redis = connectRedis({ url, diag, timeoutMillis });
  const users = createActiveUsers({ redis, diag, intervalMillis: 20 });
  cleanUp.push(() => redis.close());
  cleanUp.push(() => users.close());
  return { users, redis, lines };
}

function expectNear(found: number, truth: number, share: number): void {
  expect(Math.abs(found - truth) / truth, `${found} for ${truth}`).toBeLessThan(share);
}

const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);

describe("without Redis", () => {
  test("users are counted by what this process saw, and it says so", async () => {
    const { users, lines } = instance(`redis://127.0.0.1:${await freePort()}`);
    for (const user of ["ada", "bob", "ada"]) users.seen(user, undefined, "acme");
    users.seen("cid", minutesAgo(30), "bolt");
    expect(await users.active("5m")).toEqual({ users: 2, source: "process" });
    expect(await users.active("1h")).toEqual({ users: 3, source: "process" });
    expect(await users.active("1h", "bolt")).toEqual({ users: 1, source: "process" });
    expect(await users.active("1h", "cord")).toEqual({ users: 0, source: "process" });
    await users.flush();
    expect(lines.length).toBeLessThanOrEqual(1);
  });

  test("many more users than are kept are estimated within 10 %", async () => {
    const { users } = instance(`redis://127.0.0.1:${await freePort()}`);
    for (let user = 0; user < 60_000; user += 1) users.seen(`user-${user}`, undefined, user % 2 === 0 ? "even" : "odd");
    expectNear((await users.active("1d")).users, 60_000, 0.1);
    expectNear((await users.active("1d", "odd")).users, 30_000, 0.1);
  });

  test("no kind of user, time or tenant makes it throw into the application", async () => {
    const { users } = instance(`redis://127.0.0.1:${await freePort()}`);
    for (const user of ["", "\0", "x".repeat(1_000_000), null, 7, Symbol("s"), {}] as string[]) users.seen(user);
    users.seen("ada", undefined, 7 as never);
    users.seen("ada", "yesterday" as never);
    users.seen("ada", new Date(Number.NaN));
    users.seen("ada", new Date(0));
    users.seen("ada", new Date("2999-01-01"));
    expect((await users.active("1d")).users).toBe(2);
    await expect(users.active("2h" as "1h")).rejects.toThrow(/window must be 5m, 1h or 1d/);
  });
});

describe.skipIf(!hasRedis)("with Redis", () => {
  test("a user seen by several instances is one user, and counts lie within 3 % of the truth", async () => {
    const server = await redisServer();
    const instances = [0, 1, 2].map(() => instance(server.url).users);
    for (let user = 0; user < 20_000; user += 1) {
      instances[user % 3]!.seen(`user-${user}`, undefined, user < 300 ? "small" : "large");
      instances[(user + 1) % 3]!.seen(`user-${user}`, undefined, user < 300 ? "small" : "large");
    }
    await Promise.all(instances.map((users) => users.flush()));
    for (const users of instances) {
      const counted = await users.active("5m");
      expect(counted.source).toBe("redis");
      expectNear(counted.users, 20_000, 0.03);
      expectNear((await users.active("1d", "large")).users, 19_700, 0.03);
      expectNear((await users.active("1h", "small")).users, 300, 0.03);
    }
  });

  test("a user leaves each window as it passes, and each slice is deleted by Redis itself", async () => {
    const server = await redisServer();
    const { users } = instance(server.url);
    users.seen("now");
    users.seen("lately", minutesAgo(20));
    users.seen("today", minutesAgo(300));
    users.seen("long ago", minutesAgo(1500));
    await users.flush();
    expect((await users.active("5m")).users).toBe(1);
    expect((await users.active("1h")).users).toBe(2);
    expect((await users.active("1d")).users).toBe(3);
    const keys = await server.keys();
    expect(keys.length).toBeGreaterThan(4);
    for (const key of keys) {
      const seconds = Number(await server.command("TTL", key));
      expect(seconds).toBeGreaterThan(0);
      expect(seconds).toBeLessThanOrEqual(90_000);
    }
  });

  test("no user's id can be read by whoever listens to Redis", async () => {
    const server = await redisServer();
    await server.command("CONFIG", "SET", "slowlog-log-slower-than", "0");
    const { users } = instance(server.url);
    users.seen("ada@example.com", undefined, "acme");
    await users.flush();
    const heard = await server.command("SLOWLOG", "GET", "100");
    expect(heard).toContain("metrics:users:tenant:{acme}:5m");
    expect(heard).not.toContain("ada@example.com");
  });

  test("users seen while Redis is away are counted when it is back, in the minutes in which they were seen", async () => {
    const port = await freePort();
    const { users, lines } = instance(`redis://127.0.0.1:${port}`);
    for (let user = 0; user < 2_000; user += 1) users.seen(`user-${user}`, minutesAgo(20), "acme");
    await until(async () => {
      await users.flush();
      return lines.length > 0;
    }, "the line");
    const server = await redisServer({ port });
    await until(async () => Number(await server.command("DBSIZE")) > 0, "the users");
    await users.flush();
    const counted = await users.active("1h", "acme");
    expect(counted.source).toBe("redis");
    expectNear(counted.users, 2_000, 0.03);
    expect((await users.active("5m", "acme")).users).toBe(0);
    expect(lines).toHaveLength(2);
  });

  test("an outage keeps memory bounded: what found no room is counted and told once", async () => {
    const port = await freePort();
    const { users, lines } = instance(`redis://127.0.0.1:${port}`);
    for (let user = 0; user < 101_000; user += 1) users.seen(`user-${user}`);
    await redisServer({ port });
    await until(() => lines.some((line) => line.includes("1000 sightings of users were not sent")), "the line");
    expect(lines.filter((line) => line.includes("sightings"))).toHaveLength(1);
    expectNear((await users.active("5m")).users, 100_000, 0.03);
  });

  test("a key of somebody else's keeps no other user from being counted", async () => {
    const server = await redisServer();
    const { users, lines } = instance(server.url);
    const slice = Math.floor(Date.now() / 3_600_000);
    for (const near of [slice, slice + 1]) await server.command("LPUSH", `metrics:users:tenant:{acme}:1d:${near}`, "x");
    users.seen("ada", undefined, "acme");
    users.seen("bob", undefined, "bolt");
    await users.flush();
    users.seen("cid", undefined, "acme");
    await users.flush();
    expect((await users.active("1d")).users).toBe(3);
    expect((await users.active("1d", "bolt")).users).toBe(1);
    expect(await users.active("1d", "acme")).toEqual({ users: 2, source: "process" });
    expect(lines).toHaveLength(1);
  });

  test("a paused Redis: the count comes from this process within the deadline", async () => {
    const server = await redisServer();
    const { users } = instance(server.url, 200);
    users.seen("ada");
    await users.flush();
    server.pause();
    const begun = performance.now();
    expect(await users.active("5m")).toEqual({ users: 1, source: "process" });
    expect(performance.now() - begun).toBeLessThan(2_000);
    server.resume();
    await until(async () => (await users.active("5m")).source === "redis", "Redis");
  });
});
