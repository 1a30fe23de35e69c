import type { MemoryStore } from "@meterbridge/testkit";
import { describe, expect, test } from "vitest";
import { audit } from "../src/proof/audit.ts";
import type { TenantCounters } from "../src/proof/audit-counters.ts";
import type { RollupDifference } from "../src/ledger-store.ts";
import { openMemoryStore, unpricedCall, usageRow } from "./support/queries-rows.ts";

const november = { from: "2026-11-01", to: "2026-11-30" };
const counters = { tasks: 1, tokens: 3300, errors: 1, toolCalls: 1, durationMs: 4001 };

async function seeded(): Promise<MemoryStore> {
  const store = openMemoryStore();
  await store.append([
    usageRow(1, "2026-11-20T10:00:00Z"),
    usageRow(2, "2026-11-20T10:00:00Z", { model: "house-model", ...unpricedCall }),
    usageRow(3, "2026-11-21T10:00:00Z", { costNanoUsd: 1n }),
    usageRow(4, "2026-11-21T10:00:00Z", { kind: "task", isSuccess: false, inferenceMicros: 4_000_500 }),
    usageRow(5, "2026-11-21T10:00:00Z", { kind: "tool_call" }),
  ]);
  return store;
}

describe("an audit", () => {
  test("is clean when everything tells the same, and says how much that was", async () => {
    const result = await audit(await seeded(), {
      ...november,
      counters: { read: async () => counters },
      meters: [
        {
          provider: "openai",
          model: "gpt-5",
          calls: 2,
          inputTokens: 2000,
          outputTokens: 200,
          costUsd: 0.002250001,
          unpriced: 0,
        },
        { provider: "openai", model: "house-model", calls: 1, unpriced: 1, costUsd: 0 },
      ],
    });
    expect(result).toEqual({
      clean: true,
      differences: [],
      checked: { days: 30, tenants: 1, rows: 5, counters: 1, meters: 2 },
    });
  });

  test("names every column of a rollup that is off, with both numbers", async () => {
    const store = await seeded();
    const found: RollupDifference[] = [
      {
        table: "usage_days",
        tenant: "acme",
        bucketAt: Date.parse("2026-11-21"),
        group: { kind: "llm_call", employee: null },
        columns: { events: { rows: 2n, rollup: 3n }, cost_nano_usd: { rows: 1n, rollup: 9_007_199_254_740_993n } },
      },
      {
        table: "usage_totals",
        tenant: "acme",
        bucketAt: null,
        group: { kind: "task" },
        columns: { errors: { rows: 1n, rollup: 0n } },
      },
    ];
    const { clean, differences } = await audit({ ...store, recount: async () => found }, november);
    expect(clean).toBe(false);
    expect(differences.map(({ what }) => what)).toEqual([
      'usage_days of tenant "acme" at 2026-11-21T00:00:00.000Z, kind "llm_call", employee not known: events is 3 in the rollup, and its rows add up to 2',
      'usage_days of tenant "acme" at 2026-11-21T00:00:00.000Z, kind "llm_call", employee not known: cost_nano_usd is 9007199254740993 in the rollup, and its rows add up to 1',
      'usage_totals of tenant "acme", kind "task": errors is 0 in the rollup, and its rows add up to 1',
    ]);
  });

  test("names each counter that is off", async () => {
    const read = async (): Promise<typeof counters> => ({ ...counters, tokens: 3299, durationMs: 0 });
    const { differences } = await audit(await seeded(), { ...november, counters: { read } });
    expect(differences).toEqual([
      {
        what: 'counter tokens of tenant "acme" is 3299, and the ledger says 3300',
        between: "ledger and counter",
        tenant: "acme",
        ledger: 3300,
        found: 3299,
      },
      expect.objectContaining({ what: 'counter durationMs of tenant "acme" is 0, and the ledger says 4001' }),
    ]);
  });

  test("names a counter that counted too much as well", async () => {
    const read = async (): Promise<TenantCounters> => ({ ...counters, tasks: 2 });
    const { differences } = await audit(await seeded(), { ...november, counters: { read } });
    expect(differences.map(({ what }) => what)).toEqual(['counter tasks of tenant "acme" is 2, and the ledger says 1']);
  });

  test("is not clean where the counters did not answer: the ledger agrees with itself without saying anything", async () => {
    const read = async (): Promise<TenantCounters> => ({ ...counters, source: "store" });
    const { differences } = await audit(await seeded(), { ...november, counters: { read } });
    expect(differences.map(({ what }) => what)).toEqual([
      'the counters of tenant "acme" did not answer, so they are not compared with the ledger',
    ]);
  });

  test("gives a counter that is written after its row the time for it", async () => {
    let reads = 0;
    const read = async (): Promise<typeof counters> => ({ ...counters, tasks: reads++ === 0 ? 0 : 1 });
    expect((await audit(await seeded(), { ...november, counters: { read } })).clean).toBe(true);
  });

  test.each([
    [{ calls: 2 }, "meter calls is 2, and the ledger says 3"],
    [{ inputTokens: 3001 }, "meter inputTokens is 3001, and the ledger says 3000"],
    [{ unpriced: 0 }, "meter unpriced is 0, and the ledger says 1"],
    [{ costUsd: 0.0022501 }, "meter costUsd is 0.0022501, and the ledger says 0.002250001"],
    [{ costUsd: Number.NaN }, "meter costUsd is NaN, and the ledger says 0.002250001"],
    [{ tenant: "acme", calls: 4 }, 'meter calls of tenant "acme" is 4, and the ledger says 3'],
    [{ tenant: "nobody", calls: 1 }, 'meter calls of tenant "nobody" is 1, and the ledger says 0'],
  ])("names a meter that is off: %j", async (meter, what) => {
    const { differences } = await audit(await seeded(), { ...november, meters: [meter] });
    expect(differences[0]?.what).toBe(what);
  });

  test("forgives a float its last digits, and no more than a nano-dollar a call", async () => {
    const store = openMemoryStore();
    await store.append([usageRow(1, "2026-11-20T10:00:00Z", { costNanoUsd: 300_000_000n })]);
    const clean = async (costUsd: number): Promise<boolean> =>
      (await audit(store, { ...november, meters: [{ costUsd }] })).clean;
    expect([
      await clean(0.1 + 0.2),
      await clean(0.300000001),
      await clean(0.300000003),
      await clean(0.299999997),
    ]).toEqual([true, true, false, false]);
  });

  test("names what the ledger has and no meter tells", async () => {
    const { differences } = await audit(await seeded(), {
      ...november,
      meters: [{ provider: "openai", model: "gpt-5", calls: 2 }],
    });
    expect(differences.map(({ what }) => what)).toEqual([
      'no meter tells of the calls of provider "openai", model "house-model", and the ledger has 1',
    ]);
  });

  test.each([
    [{ from: "2026-11-01T10:00Z", to: "2026-11-02" }, /audit: from and to must be whole UTC days/],
    [{ from: "2026-11-02", to: "2026-11-01" }, /audit: from must be before to/],
    [{ from: "1900-01-01", to: "2026-11-01" }, /audit: from must be from 1970 to 2199/],
    [{ from: "2026-10-31", to: "2026-11-02" }, /audit: from must not be before 2026-11-01T00:00:00.000Z/],
  ])("refuses a window it cannot prove: %j", async (window, message) => {
    const store = await seeded();
    await store.retain(new Date("2026-11-01"));
    await expect(audit(store, window)).rejects.toThrow(message);
  });

  test("tells no difference where retention only took the rows away meanwhile", async () => {
    const store = await seeded();
    const forgetful = {
      ...store,
      async recount() {
        await store.retain(new Date("2026-12-01"));
        const columns = { events: { rows: 0n, rollup: 3n } };
        return [{ table: "usage_days", tenant: "acme", bucketAt: Date.parse("2026-11-20"), group: {}, columns }];
      },
    };
    await expect(audit(forgetful, november)).rejects.toThrow(/audit: from must not be before 2026-12-01T00:00:00.000Z/);
  });
});
