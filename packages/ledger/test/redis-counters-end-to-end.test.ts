import { ledgerRow, memoryStore } from "@meterbridge/testkit";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { until } from "../../../test/support/servers.ts";
import { createCounterSync } from "../src/redis/counter-sync.ts";
import { createHotCounters } from "../src/redis/hot-counters.ts";
import { totalsFromStore } from "../src/redis/hot-counter-totals.ts";
import type { LedgerRow } from "../src/ledger-row.ts";
import type { LedgerStore } from "../src/ledger-store.ts";
import { connectRedis } from "../src/redis/redis-client.ts";
import { sqliteStore } from "../src/sqlite/sqlite-store.ts";
import { findRedis, startRedis } from "./support/redis-server.ts";

const cleanUp: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of cleanUp.splice(0).toReversed()) await end();
});

const stores: Record<string, () => LedgerStore> = {
  memory: () => memoryStore(),
  sqlite: () => {
    const directory = mkdtempSync(path.join(tmpdir(), "meterbridge-counters-"));
    cleanUp.push(() => rmSync(directory, { recursive: true, force: true }));
    return sqliteStore({ file: path.join(directory, "ledger.sqlite") });
  },
};

const kinds = ["llm_call", "task", "tool_call"] as const;

/** Twice each, as deliveries are when an answer was lost. */
function rowsOf(batch: number): readonly LedgerRow[] {
  const rows = Array.from({ length: 50 }, (_, index) =>
    ledgerRow({
      eventId: `event-${batch}-${index}`,
      tenant: `tenant-${index % 3}`,
      employee: index % 5 === 0 ? null : `employee-${index % 4}`,
      kind: kinds[index % 3 === 0 ? batch % 3 : index % 3]!,
      inferenceMicros: 1_000 * index + 400,
      costNanoUsd: BigInt(index) * 1_000_003n,
    }),
  );
  return [...rows, ...rows];
}

describe.skipIf(findRedis() === undefined)("hot counters of a real store", () => {
  for (const [name, make] of Object.entries(stores)) {
    test(`${name}: through duplicates, a kill -9 and a FLUSHALL of Redis, the counters end as the store's totals`, async () => {
      const server = await startRedis();
      cleanUp.push(() => server.stop());
      const store = make();
      await store.open();
      cleanUp.push(() => store.close());
      const redis = connectRedis({ url: server.url, diag: { warn: () => {} } });
      cleanUp.push(() => redis.close());
      const counters = createHotCounters({ redis, store });
      const sync = createCounterSync({ store, counters, intervalMillis: 10, diag: { warn: () => {} } });
      cleanUp.push(() => sync.close());

      for (let batch = 0; batch < 30; batch += 1) {
        const rows = rowsOf(batch);
        await store.append(rows);
        sync.touched(rows);
        if (batch === 10) await server.restart();
        if (batch === 20) await server.command("FLUSHALL");
      }

      const owners = [...new Set(rowsOf(0).map(({ tenant, employee }) => JSON.stringify([tenant, employee])))].flatMap(
        (text) => {
          const [tenant, employee] = JSON.parse(text) as [string, string | null];
          return [
            { tenant, employee: null },
            { tenant, employee },
          ];
        },
      );
      for (const owner of owners) {
        const { totals } = await totalsFromStore(store, owner);
        const reading = await until(
          async () => {
            const found = await counters.read(owner.tenant, owner.employee);
            return found.source === "redis" && found.tokens === totals.tokens && found;
          },
          `the counters of ${JSON.stringify(owner)}`,
        );
        expect(reading).toEqual({ ...totals, source: "redis" });
      }
      await server.command("FLUSHALL");
      await sync.rebuild();
      for (const owner of owners) {
        const { totals } = await totalsFromStore(store, owner);
        expect(await counters.read(owner.tenant, owner.employee)).toEqual({ ...totals, source: "redis" });
      }
      const all = await Promise.all([0, 1, 2].map((index) => counters.read(`tenant-${index}`)));
      const events = all.map(({ tasks, toolCalls, llmCalls }) => tasks + toolCalls + llmCalls);
      expect(events.reduce((sum, value) => sum + value, 0)).toBe(1_500);
    });
  }
});
