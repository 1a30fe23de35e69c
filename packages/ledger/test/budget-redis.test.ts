import { createBudgets, type Budgets, type BudgetsOptions } from "@meterbridge/ledger";
import { connectRedis, type RedisConnection } from "@meterbridge/ledger/redis";
import net from "node:net";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { freePort, startProcess, until } from "../../../test/support/servers.ts";
import { everyTenant, noon, spentLedger, stateOf } from "./support/budget-parts.ts";
import { findRedis, type RedisServer, startRedis } from "./support/redis-server.ts";

let server: RedisServer;
const closing: (() => unknown)[] = [];

beforeEach(async (running) => {
  if (findRedis() === undefined) running.skip("no redis-server");
  server = await startRedis();
  closing.push(() => server.stop());
});
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

function open(options: Partial<BudgetsOptions> = {}, redis: RedisConnection = connect()): Budgets {
  const budgets = createBudgets({ budgets: [everyTenant], redis, now: () => noon, diag: { warn() {} }, ...options });
  closing.push(() => budgets.close());
  return budgets;
}

function connect(url = server.url): RedisConnection {
  const redis = connectRedis({ url, diag: { warn() {} } });
  closing.push(() => redis.close());
  return redis;
}

const take = (nanoUsd: bigint, tenant = "acme") => ({ tenant, estimate: { nanoUsd } });

test("eight processes that spend at once never get more than the limit between them, and the counter is their sum", async () => {
  const worker = path.join(import.meta.dirname, "support/budget-worker.ts");
  const workers = Array.from({ length: 8 }, () =>
    startProcess(process.execPath, ["--conditions=@meterbridge/source", worker, server.url, "320"]),
  );
  closing.push(() => Promise.all(workers.map((one) => one.stop())));
  expect(await Promise.all(workers.map(({ ended }) => ended)), workers[0]!.output()).toEqual(workers.map(() => 0));
  const spent = workers.map((one) => Number(one.output())).reduce((sum, amount) => sum + amount, 0);
  // All of it, since each process goes on asking for 1 long after.
  expect(spent).toBe(1000);
  const [hash] = (await server.keys("*shared*")).filter((key) => !key.endsWith("leases"));
  const fields = (await server.command("HGETALL", hash!)).split("\n");
  const value = (kind: string) => fields[fields.findIndex((field) => field.startsWith(kind)) + 1];
  expect([value("u:"), value("r:")]).toEqual([String(spent), "0"]);
}, 90_000);

test("many connections that reserve at once are granted exactly the limit", async () => {
  const all = Array.from({ length: 8 }, () => open());
  const asked = all.flatMap((budgets) => Array.from({ length: 40 }, () => budgets.reserve(take(3n))));
  const answers = await Promise.all(asked);
  expect(answers.filter(({ granted }) => granted)).toHaveLength(33);
});

test("an answer that is lost after the script ran takes nothing twice", async () => {
  const proxy = await lossyProxy(server.port);
  const warnings: string[] = [];
  const diag = { warn: (message: string) => void warnings.push(message) };
  const budgets = open({ diag, leaseSeconds: 3600 }, connect(proxy.url));
  await (await budgets.reserve(take(10n))).commit({ nanoUsd: 10n });
  // The reservation's answer is lost: this process grants it from its share, and Redis knows it already.
  proxy.loseAnswers(true);
  const reservation = await budgets.reserve(take(20n));
  expect(reservation.granted).toBe(true);
  // The commit's answers are lost, every time it is tried.
  await reservation.commit({ nanoUsd: 15n });
  await until(async () => proxy.lost() > 2, "answers to be lost");
  proxy.loseAnswers(false);
  const beside = open();
  await until(async () => {
    await beside.reserve(take(0n)).then((probe) => probe.release());
    const { used, reserved } = stateOf(beside, everyTenant.name);
    return used === 25n && reserved === 0n;
  }, "the commit to be counted");
  await budgets.close();
  await beside.reconcile();
  expect(stateOf(beside, everyTenant.name)).toMatchObject({ used: 25n, reserved: 0n });
  expect(warnings).toEqual([]);
});

test.each(["stopped", "killed"] as const)(
  "while Redis is %s each process grants its share of what was left, and pays it in later",
  async (how) => {
    const budgets = open({ instances: 4 });
    const before = await budgets.reserve(take(20n));
    if (how === "stopped") server.pause();
    else await server.kill();
    const granted = [];
    for (let call = 0; call < 4; call += 1) {
      const began = performance.now();
      const reservation = await budgets.reserve(take(8n));
      expect(performance.now() - began).toBeLessThan(1500);
      if (reservation.granted) granted.push(reservation);
      else expect(reservation.refusedBy).toBe(everyTenant.name);
    }
    // 80 were left: 20 for each of four.
    expect(granted).toHaveLength(2);
    for (const reservation of granted) await reservation.commit({ nanoUsd: 9n });
    await before.commit({ nanoUsd: 20n });
    if (how === "stopped") server.resume();
    else await server.restart();
    const beside = open();
    await until(
      async () => {
        await (await beside.reserve(take(0n))).release();
        return stateOf(beside, everyTenant.name).used === 38n;
      },
      "what was granted meanwhile to be counted",
      40,
    );
    expect(stateOf(beside, everyTenant.name).reserved).toBe(0n);
  },
  60_000,
);

test("fails open, or closed with a clear reason, when told to", async () => {
  await server.kill();
  const failOpen = open({ whenRedisIsGone: "fail-open" });
  expect((await failOpen.reserve(take(1_000_000n))).granted).toBe(true);
  const failClosed = open({ whenRedisIsGone: "fail-closed" });
  const refused = await failClosed.reserve(take(1n));
  expect(refused).toMatchObject({ granted: false, refusedBy: undefined, state: "hard" });
  expect(refused.reason).toContain("fail closed");
  const telling = open({ whenRedisIsGone: "fail-closed", budgets: [{ ...everyTenant, hard: false }] });
  expect((await telling.reserve(take(1n))).granted).toBe(true);
});

test("FLUSHALL takes no more than the open reservations: what was spent comes back from the ledger, and commits still count", async () => {
  const store = spentLedger();
  const [one, two] = [open({ store }), open({ store })];
  await (await one.reserve(take(60n))).commit({ nanoUsd: 60n });
  store.spent.push({ at: noon, tenant: "acme", nanoUsd: 60n });
  const held = await two.reserve(take(10n));
  await server.command("FLUSHALL");
  await held.commit({ nanoUsd: 10n });
  const answers = await Promise.all([one, two, one, two].map((budgets) => budgets.reserve(take(20n))));
  expect(answers.filter(({ granted }) => granted)).toHaveLength(2);
  store.spent.push({ at: noon, tenant: "acme", nanoUsd: 10n });
  await Promise.all([one.reconcile(), two.reconcile()]);
  for (const reservation of answers) await reservation.release();
  // What the other has released is seen by whoever asks next.
  await (await two.reserve(take(0n))).release();
  expect(stateOf(two, everyTenant.name)).toMatchObject({ used: 70n, reserved: 0n });
});

test("a Redis that comes back with older counters is raised to the ledger without waiting for the next round", async () => {
  const store = spentLedger();
  const budgets = open({ store });
  await (await budgets.reserve(take(60n))).commit({ nanoUsd: 60n });
  store.spent.push({ at: noon, tenant: "acme", nanoUsd: 60n });
  const [hash] = (await server.keys("*each*")).filter((key) => !key.endsWith("leases"));
  const [field] = (await server.command("HKEYS", hash!)).split("\n").filter((name) => name.startsWith("u:"));
  await server.command("HSET", hash!, field!, "5");
  await server.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  await until(async () => {
    // The connection is made anew by whoever needs it next.
    await (await budgets.reserve(take(0n, "globex"))).release();
    return (await server.command("HGET", hash!, field!)) === "60";
  }, "the counter to be raised");
});

test("a Redis that is out of memory changes nothing by halves", async () => {
  const budgets = open({ whenRedisIsGone: "fail-closed" });
  const reservation = await budgets.reserve(take(40n));
  await server.command("CONFIG", "SET", "maxmemory", "1");
  await reservation.commit({ nanoUsd: 30n });
  expect((await budgets.reserve(take(1n))).granted).toBe(false);
  await server.command("CONFIG", "SET", "maxmemory", "0");
  await until(async () => {
    await (await budgets.reserve(take(0n))).release();
    const { used, reserved } = stateOf(budgets, everyTenant.name);
    return used === 30n && reserved === 0n;
  }, "the commit to be counted");
});

test("a budget of all tenants and those of one lie in slots that a cluster takes", async () => {
  const cluster = await startRedis({ arguments: ["--cluster-enabled", "yes"] });
  closing.push(() => cluster.stop());
  await cluster.command("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
  await until(async () => (await cluster.command("CLUSTER", "INFO")).includes("cluster_state:ok"), "the cluster");
  const budgets = open(
    {
      budgets: [
        { name: "company", scope: {}, limit: { nanoUsd: 50n }, window: { kind: "month" } },
        everyTenant,
        { name: "model", scope: { tenant: "*", model: "*" }, limit: { tokens: 5 }, window: { kind: "hour" } },
      ],
      whenRedisIsGone: "fail-closed",
    },
    connect(cluster.url),
  );
  expect((await budgets.reserve(take(40n))).granted).toBe(true);
  expect((await budgets.reserve(take(40n, "globex"))).refusedBy).toBe("company");
  expect(stateOf(budgets, "company").reserved).toBe(40n);
  const again = await budgets.reserve(take(10n, "globex"));
  expect(again.granted).toBe(true);
  expect(stateOf(budgets, everyTenant.name, "globex").reserved).toBe(10n);
});

/** Forwards to Redis, and loses whole answers when told to: the connection is cut instead. */
async function lossyProxy(port: number): Promise<{
  readonly url: string;
  loseAnswers(yes: boolean): void;
  lost(): number;
}> {
  let [isLosing, lost] = [false, 0];
  const listener = net.createServer((client) => {
    const upstream = net.connect(port, "127.0.0.1");
    client.pipe(upstream);
    upstream.on("data", (answer: Buffer) => {
      // A script's answer; ioredis' own questions on connecting are let through.
      const isScripts = answer.toString("latin1").startsWith("*");
      if (isLosing && isScripts) {
        lost += 1;
        client.destroy();
      } else client.write(answer);
    });
    for (const socket of [client, upstream]) {
      socket.on("error", () => {});
      socket.on("close", () => [client, upstream].forEach((other) => other.destroy()));
    }
    closing.push(() => client.destroy());
  });
  const own = await freePort();
  await new Promise<void>((resolve) => listener.listen(own, "127.0.0.1", resolve));
  closing.push(() => listener.close());
  return {
    url: `redis://127.0.0.1:${own}`,
    loseAnswers: (yes) => (isLosing = yes),
    lost: () => lost,
  };
}
