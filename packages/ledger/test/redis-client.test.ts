import { Redis } from "ioredis";
import { createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "redis";
import { afterEach, describe, expect, test } from "vitest";
import { freePort, until } from "../../../test/support/servers.ts";
import { connectRedis, luaScript, type RedisOptions } from "../src/redis/redis-client.ts";
import { ledgerErrorReason } from "../src/ledger-error.ts";
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

function connection(options: RedisOptions) {
  const lines: string[] = [];
  const redis = connectRedis({ ...options, diag: { warn: (line) => void lines.push(line) } });
  cleanUp.push(() => redis.close());
  return { redis, lines };
}

/** Takes connections and never says a word. */
async function silentServer(): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  cleanUp.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return port;
}

async function until3Failed(redis: ReturnType<typeof connectRedis>): Promise<void> {
  for (let attempt = 0; attempt < 3; attempt += 1) await redis.command("PING").catch(() => {});
}

describe("wrong options", () => {
  test("a URL of something else is refused at start, and its password is not repeated", () => {
    expect(() => connectRedis({ url: "http://user:hunter2@host" })).toThrow(
      /option "url" must be a URL that begins with redis/,
    );
    expect(() => connectRedis({ url: "http://user:hunter2@host" })).not.toThrow(/hunter2/);
  });

  test("a client of no known kind is refused at start", () => {
    expect(() => connectRedis({ client: {} as never })).toThrow(
      /option "client" must be a client of ioredis or node-redis/,
    );
  });

  test("a time-out of no time is refused at start", () => {
    expect(() => connectRedis({ url: "redis://localhost", timeoutMillis: 0 })).toThrow(/"timeoutMillis"/);
  });

  test("without client, URL and REDIS_URL it says which of them it needs", () => {
    expect(process.env["REDIS_URL"]).toBeUndefined();
    expect(() => connectRedis()).toThrow(/REDIS_URL/);
  });
});

test("a server that takes the connection and never answers costs the deadline, then nothing", async () => {
  const port = await silentServer();
  const { redis, lines } = connection({ url: `redis://user:hunter2@127.0.0.1:${port}`, timeoutMillis: 100 });
  const begun = performance.now();
  await until3Failed(redis);
  expect(performance.now() - begun).toBeLessThan(5_000);
  const error: unknown = await redis.command("PING").catch((reason: unknown) => reason);
  expect(ledgerErrorReason(error)).toBe("unavailable");
  expect(String(error)).toContain("not tried");
  expect(lines).toHaveLength(1);
  expect(lines.join("\n")).not.toContain("hunter2");
});

describe.skipIf(!hasRedis)("with a real server", () => {
  test("a Redis that was not there at start is used once it is, with one line for each change", async () => {
    const port = await freePort();
    const { redis, lines } = connection({ url: `redis://127.0.0.1:${port}` });
    for (let attempt = 0; attempt < 10; attempt += 1) await redis.command("PING").catch(() => {});
    expect(redis.state).toBe("down");
    expect(lines).toHaveLength(1);
    await redisServer({ port });
    await until(async () => (await redis.command("PING")) === "PONG", "the connection to come back");
    expect(redis.state).toBe("up");
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/does not serve: .*ECONNREFUSED/);
    expect(lines[1]).toContain("serves again");
  });

  test("who cannot come again later may ask a Redis that was down, which is then used again by all", async () => {
    const server = await redisServer();
    const { redis, lines } = connection({ url: server.url });
    expect(await redis.isServing()).toBe(true);
    await server.kill();
    for (let attempt = 0; attempt < 8; attempt += 1) expect(await redis.isServing()).toBe(false);
    await server.restart();
    await expect(redis.command("PING")).rejects.toThrow(/not tried/);
    expect(await redis.isServing()).toBe(true);
    expect(redis.state).toBe("up");
    expect(await redis.command("PING")).toBe("PONG");
    expect(lines).toHaveLength(2);
    redis.close();
    expect(await redis.isServing()).toBe(false);
  });

  test("a script is run on a server that has forgotten it", async () => {
    const server = await redisServer();
    const { redis } = connection({ url: server.url });
    const script = luaScript("double", "return tonumber(ARGV[1]) * 2");
    expect(await redis.script(script, ["{k}"], ["21"])).toBe(42);
    await server.command("SCRIPT", "FLUSH");
    expect(await redis.script(script, ["{k}"], ["4"])).toBe(8);
  });

  test("a refused command does not count as an outage", async () => {
    const server = await redisServer();
    const { redis } = connection({ url: server.url });
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const error: unknown = await redis.command("NOSUCHCOMMAND").catch((reason: unknown) => reason);
      expect(ledgerErrorReason(error)).toBe("refused");
    }
    expect(redis.state).toBe("up");
  });

  for (const [kind, make] of Object.entries({
    ioredis: (url: string) => {
      const client = new Redis(url, { lazyConnect: true });
      client.on("error", () => {});
      return { client, ping: () => client.ping(), end: () => client.disconnect() };
    },
    "node-redis": async (url: string) => {
      const client = createClient({ url });
      client.on("error", () => {});
      await client.connect();
      return { client, ping: () => client.ping(), end: () => client.destroy() };
    },
  })) {
    test(`a client of ${kind} that was passed in is used, survives a restart, and is never closed`, async () => {
      const server = await redisServer();
      const { client, ping, end } = await make(server.url);
      cleanUp.push(end);
      const { redis, lines } = connection({ client });
      expect(await redis.command("SET", "a", "1")).toBe("OK");
      expect(await redis.script(luaScript("get", "return redis.call('GET', KEYS[1])"), ["a"], [])).toBe("1");
      await server.kill();
      await until3Failed(redis);
      expect(redis.state).toBe("down");
      let reconnected = 0;
      redis.onReconnect(() => (reconnected += 1));
      await server.restart();
      await until(async () => (await redis.command("PING")) === "PONG", "the client to come back");
      expect(reconnected).toBeGreaterThan(0);
      expect(lines).toHaveLength(2);
      redis.close();
      expect(await ping()).toBe("PONG");
    });

    test(`nothing is left behind in the queue of a client of ${kind} that was given up`, async () => {
      const server = await redisServer();
      const { client, ping, end } = await make(server.url);
      cleanUp.push(end);
      const { redis } = connection({ client, timeoutMillis: 100 });
      await redis.command("PING");
      await server.kill();
      await until(() => ("isReady" in client ? !client.isReady : client.status !== "ready"), "the client to notice");
      await redis.command("SET", "late", "1").catch(() => {});
      await server.restart();
      await until(async () => (await ping()) === "PONG", "the client to come back");
      await sleep(200);
      expect(await server.get("late")).toBeUndefined();
    });
  }

  test("an idle connection of its own lets the process end", async () => {
    const server = await redisServer();
    const { startProcess } = await import("../../../test/support/servers.ts");
    const program = `import { connectRedis } from "@meterbridge/ledger/redis"; await connectRedis({ url: "${server.url}", timeoutMillis: 5000 }).command("PING"); console.log("done");`;
    const child = startProcess(
      process.execPath,
      ["--conditions=@meterbridge/source", "--input-type=module", "-e", program],
      {
        cwd: import.meta.dirname,
      },
    );
    const last = setTimeout(() => child.child.kill("SIGKILL"), 10_000);
    expect(await child.ended).toBe(0);
    clearTimeout(last);
    expect(child.output()).toContain("done");
  });
});
