import { memoryStore } from "@meterbridge/testkit";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { until } from "../../../test/support/servers.ts";
import { createLedger } from "../src/ledger.ts";
import type { LedgerStore } from "../src/ledger-store.ts";
import { createCounterSync, type CounterSync } from "../src/redis/counter-sync.ts";
import { createHotCounters, type HotCounters } from "../src/redis/hot-counters.ts";
import { connectRedis, type RedisConnection } from "../src/redis/redis-client.ts";
import { eventsOf } from "./support/chaos-events.ts";
import { findRedis, type RedisServer, startRedis } from "./support/redis-server.ts";
import { totalsStore, type TotalsStore } from "./support/redis-totals-store.ts";

// What the tests with real servers found, shown by itself.

interface Instance {
  readonly redis: RedisConnection;
  readonly counters: HotCounters;
  readonly sync: CounterSync;
  readonly lines: readonly string[];
}

/** Counters as in a process of their own. Nothing of it happens by a timer while a test runs. */
function instance(
  store: Pick<LedgerStore, "totals" | "tenants" | "sums" | "location">,
  { url }: Pick<RedisServer, "url">,
): Instance {
  const lines: string[] = [];
  const diag = { warn: (line: string) => void lines.push(line) };
  const redis = connectRedis({ url, diag });
  onTestFinished(() => redis.close());
  const counters = createHotCounters({ redis, store });
  const sync = createCounterSync({ store, counters, intervalMillis: 60_000, rebuildIntervalMillis: 0, diag });
  onTestFinished(() => sync.close());
  return { redis, counters, sync, lines };
}

/** Has it find out that Redis is down, so often that it asks again by itself only after seconds. */
async function untilKnownDown({ redis }: Instance): Promise<void> {
  for (let asked = 0; asked < 8; asked++) expect(await redis.isServing()).toBe(false);
  expect(redis.state).toBe("down");
}

describe.skipIf(findRedis() === undefined)("the last totals of a process", () => {
  test("reach the counters also where the store fails once while the process ends", async () => {
    const server = await startRedis();
    onTestFinished(() => server.stop());
    const totals = totalsStore();
    totals.add("acme", "ada", "task");
    let failures = 0;
    const store: typeof totals = {
      ...totals,
      async totals(query) {
        if ("employees" in query && failures++ === 0) throw new Error("no answer within 250 ms");
        return totals.totals(query);
      },
    };
    const redis = connectRedis({ url: server.url });
    onTestFinished(() => redis.close());
    const counters = createHotCounters({ redis, store: totals });
    const sync = createCounterSync({ store, counters, intervalMillis: 60_000, diag: { warn: () => {} } });
    sync.touched([{ tenant: "acme", employee: "ada" }]);
    await sync.close();
    expect(failures).toBe(2);
    expect(await counters.read("acme", "ada")).toMatchObject({ tasks: 1, source: "redis" });
  });

  test("reach the counters also where a round was under way when the process began to end", async () => {
    const server = await startRedis();
    onTestFinished(() => server.stop());
    const totals = totalsStore();
    totals.add("acme", "ada", "task");
    let asked = 0;
    const store: typeof totals = {
      ...totals,
      async totals(query) {
        if ("employees" in query) {
          asked += 1;
          await sleep(200);
        }
        return totals.totals(query);
      },
    };
    const redis = connectRedis({ url: server.url });
    const counters = createHotCounters({ redis, store: totals });
    const sync = createCounterSync({ store, counters, intervalMillis: 10 });
    sync.touched([{ tenant: "acme", employee: "ada" }]);
    await until(() => asked > 0, "a round to begin");
    await sync.close();
    redis.close();
    const later = connectRedis({ url: server.url });
    onTestFinished(() => later.close());
    const read = createHotCounters({ redis: later, store: totals }).read("acme", "ada");
    expect(await read).toMatchObject({ tasks: 1, source: "redis" });
  });

  test("reach the counters also where Redis is back, and this process has not noticed while others have", async () => {
    const server = await startRedis();
    onTestFinished(() => server.stop());
    const store = totalsStore();
    const one = instance(store, server);
    const other = instance(store, server);
    await server.kill();
    await untilKnownDown(other);
    await server.restart();
    store.add("acme", "ada", "task");
    one.sync.touched([{ tenant: "acme", employee: "ada" }]);
    await one.sync.close();
    store.add("acme", "ada", "task");
    other.sync.touched([{ tenant: "acme", employee: "ada" }]);
    expect(await one.counters.read("acme", "ada")).toMatchObject({ tasks: 1, source: "redis" });
    expect(other.redis.state).toBe("down");
    await other.sync.close();
    expect(await one.counters.read("acme", "ada")).toMatchObject({ tasks: 2, source: "redis" });
    expect(await one.counters.read("acme")).toMatchObject({ tasks: 2, source: "redis" });
    expect(other.lines.filter((line) => line.includes("hot counters"))).toEqual([]);
  });

  test("reach the counters also where Redis goes down under the last round, and is back", async () => {
    const server = await startRedis();
    onTestFinished(() => server.stop());
    const totals = totalsStore();
    let rounds = 0;
    const store: TotalsStore = {
      ...totals,
      async totals(query) {
        if ("employees" in query && rounds++ === 0) {
          await server.kill();
          await untilKnownDown(last);
          await server.restart();
        }
        return totals.totals(query);
      },
    };
    const last = instance(store, server);
    totals.add("acme", "ada", "task");
    last.sync.touched([{ tenant: "acme", employee: "ada" }]);
    await last.sync.close();
    expect(rounds).toBe(2);
    expect(await last.counters.read("acme", "ada")).toMatchObject({ tasks: 1, source: "redis" });
    expect(await last.counters.read("acme")).toMatchObject({ tasks: 1, source: "redis" });
  });

  test("reach the counters also where they are written while the counters end", async () => {
    const server = await startRedis();
    onTestFinished(() => server.stop());
    const totals = totalsStore();
    let rounds = 0;
    const store: TotalsStore = {
      ...totals,
      async totals(query) {
        const found = await totals.totals(query);
        if ("employees" in query && rounds++ === 0) {
          totals.add("acme", "ada", "task");
          last.sync.touched([{ tenant: "acme", employee: "ada" }]);
        }
        return found;
      },
    };
    const last = instance(store, server);
    totals.add("acme", "ada", "task");
    last.sync.touched([{ tenant: "acme", employee: "ada" }]);
    await last.sync.close();
    expect(await last.counters.read("acme", "ada")).toMatchObject({ tasks: 2, source: "redis" });
    expect(last.lines).toEqual([]);
  });

  test("that Redis does not take are told as missing, once, and set by the next process", async () => {
    const server = await startRedis();
    onTestFinished(() => server.stop());
    const store = totalsStore();
    const last = instance(store, server);
    store.add("acme", "ada", "task");
    last.sync.touched([{ tenant: "acme", employee: "ada" }]);
    await last.sync.flush();
    store.add("acme", "ada", "task");
    last.sync.touched([{ tenant: "acme", employee: "ada" }]);
    server.pause();
    const begun = performance.now();
    await last.sync.close();
    expect(performance.now() - begun).toBeLessThan(5_000);
    // A batch that the database took so late that nobody waited for it any more.
    store.add("acme", "ada", "task");
    last.sync.touched([{ tenant: "acme", employee: "ada" }]);
    expect(last.lines.filter((line) => line.includes("hot counters are behind at the end"))).toHaveLength(1);
    server.resume();
    const next = instance(store, server);
    expect(await next.counters.read("acme", "ada")).toMatchObject({ tasks: 1, source: "redis" });
    await next.sync.rebuild();
    expect(await next.counters.read("acme", "ada")).toMatchObject({ tasks: 3, source: "redis" });
  });

  test("that hang are told as missing before the ledger has ended, in the time it is given", async () => {
    const server = await startRedis();
    onTestFinished(() => server.stop());
    const store = memoryStore();
    const last = instance(store, server);
    const ledger = createLedger({ store, counters: last.sync });
    const [event] = eventsOf({ name: "last", at: Date.now() }, 1);
    ledger.write(event!);
    expect(await ledger.flush()).toBe(true);
    server.pause();
    // Shorter than Redis is given to answer.
    await ledger.close(300);
    expect(last.redis.state).toBe("idle");
    expect(last.lines.filter((line) => line.includes("hot counters are behind at the end"))).toHaveLength(1);
    server.resume();
  });

  test("that throw instead of ending do not keep the ledger from ending", async () => {
    const counters = {
      touched: () => {},
      close(): Promise<void> {
        throw new Error("not today");
      },
    };
    const ledger = createLedger({ store: memoryStore(), counters });
    await ledger.close();
    expect(ledger.status().state).toBe("closed");
  });

  test("that were too many to remember one by one are told as missing where no rebuild made up for them", async () => {
    const server = await startRedis();
    onTestFinished(() => server.stop());
    const store = totalsStore();
    const owners = Array.from({ length: 10_001 }, (_, index) => ({ tenant: `tenant-${index}`, employee: null }));
    const last = instance(store, server);
    last.sync.touched(owners);
    await last.sync.close();
    expect(last.lines.filter((line) => line.includes("hot counters are behind at the end"))).toHaveLength(1);
    const next = instance(store, server);
    next.sync.touched(owners);
    await next.sync.rebuild();
    await next.sync.close();
    expect(next.lines).toEqual([]);
  });
});
