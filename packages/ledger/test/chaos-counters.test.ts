import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { until } from "../../../test/support/servers.ts";
import { createCounterSync } from "../src/redis/counter-sync.ts";
import { createHotCounters } from "../src/redis/hot-counters.ts";
import { connectRedis } from "../src/redis/redis-client.ts";
import { findRedis, startRedis } from "./support/redis-server.ts";
import { totalsStore } from "./support/redis-totals-store.ts";

// What the tests with real servers found, shown by itself.

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
});
