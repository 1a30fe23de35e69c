import type { MemoryStore } from "@meterbridge/testkit";
import type { PriceBook } from "@meterbridge/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { capturedAtOf } from "../src/event-id.ts";
import type { LedgerRow } from "../src/ledger-row.ts";
import type { LedgerStore } from "../src/ledger-store.ts";
import { reprice } from "../src/proof/reprice.ts";
import { usageQueries } from "../src/queries/usage-queries.ts";
import { openMemoryStore, unpricedCall, usageRow } from "./support/queries-rows.ts";

const november = { from: "2026-11-01", to: "2026-11-30" };

/** So much for each token, whatever the model; unknown models have no price. */
function book(name: string, nanoUsdPerToken: bigint, unknown: readonly string[] = []): PriceBook {
  return {
    name,
    price: ({ model, inputTokens, outputTokens }) =>
      unknown.includes(model) ? null : BigInt(inputTokens + outputTokens) * nanoUsdPerToken,
  };
}

const cost = async (store: MemoryStore): Promise<[string, number]> => {
  const { costUsd, unpriced } = await usageQueries(store).summary(november);
  return [costUsd, unpriced];
};

describe("repricing", () => {
  test("goes by the model that answered and the tier that served, where the row knows them", async () => {
    const store = openMemoryStore();
    await store.append([
      usageRow(1, "2026-11-21T10:00:00Z", { responseModel: "gpt-5-2025-08-07", serviceTier: "flex" }),
      usageRow(2, "2026-11-21T10:00:01Z"),
    ]);
    const asked: unknown[] = [];
    const price: PriceBook["price"] = ({ model, responseModel, serviceTier }) => {
      asked.push([model, responseModel, serviceTier]);
      return null;
    };
    await reprice(store, { ...november, priceBook: { name: "list", price } });
    expect(asked).toEqual([
      ["gpt-5", "gpt-5-2025-08-07", "flex"],
      ["gpt-5", undefined, undefined],
    ]);
  });

  test("adds a correcting row and changes none, so that the history of a price stays", async () => {
    const store = openMemoryStore();
    const original = usageRow(1, "2026-11-21T10:00:00Z", {
      isSuccess: false,
      errorType: "timeout",
      user: "u",
      execution: "e",
    });
    await store.append([original]);
    const result = await reprice(store, { ...november, priceBook: book("new", 3000n) });

    expect(result).toEqual({
      looked: 1,
      corrected: 1,
      differenceNanoUsd: 1_050_000n,
      stillUnpriced: 0,
      notInBook: 0,
      byDetails: 0,
      failed: 0,
      notWritten: 0,
    });
    expect(store.written()[0]).toEqual(original);
    const correction = store.written()[1]!;
    expect(correction).toEqual({
      ...original,
      eventId: correction.eventId,
      inputTokens: null,
      outputTokens: null,
      costNanoUsd: 1_050_000n,
      priceBook: "new",
      inferenceMicros: null,
      corrects: original.eventId,
    });
    expect(correction.eventId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(capturedAtOf(correction.eventId)).toBe(original.capturedAt);
  });

  test("counts a call that gets its first price as unpriced no more", async () => {
    const store = openMemoryStore();
    await store.append([
      usageRow(1, "2026-11-21T10:00:00Z", unpricedCall),
      usageRow(2, "2026-11-21T10:00:00Z", unpricedCall),
    ]);
    expect(await cost(store)).toEqual(["0.000000000", 2]);
    await reprice(store, { ...november, priceBook: book("new", 1000n) });
    expect(await cost(store)).toEqual(["0.002200000", 0]);
    const free = openMemoryStore();
    await free.append([usageRow(1, "2026-11-21T10:00:00Z", unpricedCall)]);
    await reprice(free, { ...november, priceBook: book("free", 0n) });
    expect(await cost(free)).toEqual(["0.000000000", 0]);
  });

  test("a second time adds nothing, and back to the first book ends where it began", async () => {
    const store = openMemoryStore();
    await store.append([usageRow(1, "2026-11-21T10:00:00Z"), usageRow(2, "2026-11-21T10:00:00Z", unpricedCall)]);
    const run = async (name: string, price: bigint): Promise<[string, number]> => {
      await reprice(store, { ...november, priceBook: book(name, price) });
      return cost(store);
    };
    const first = await run("A", 1000n);
    const again = await reprice(store, { ...november, priceBook: book("A", 1000n) });
    expect([again.corrected, again.differenceNanoUsd]).toEqual([0, 0n]);
    expect(await run("B", 7000n)).toEqual(["0.015400000", 0]);
    expect(await run("A", 1000n)).toEqual(first);
    expect(first).toEqual(["0.002200000", 0]);
  });

  test("by two runs at once adds each correction once, also when their books differ", async () => {
    const store = openMemoryStore();
    await store.append(Array.from({ length: 30 }, (_, index) => usageRow(index, "2026-11-21T10:00:00Z")));
    const results = await Promise.all([
      reprice(store, { ...november, priceBook: book("A", 1000n) }),
      reprice(store, { ...november, priceBook: book("A", 1000n) }),
    ]);
    expect(await cost(store)).toEqual(["0.033000000", 0]);
    expect(Math.max(...results.map(({ notWritten }) => notWritten))).toBe(30);

    const other = openMemoryStore();
    await other.append([usageRow(1, "2026-11-21T10:00:00Z")]);
    await Promise.all(
      ["A", "B"].map((name, index) =>
        reprice(other, { ...november, priceBook: book(name, BigInt(index + 1) * 1000n) }),
      ),
    );
    expect(["0.001100000", "0.002200000"]).toContain((await cost(other))[0]);
  });

  test("leaves alone calls without tokens, what the provider itself charged, tasks, and what the book does not know", async () => {
    const store = openMemoryStore();
    await store.append([
      usageRow(1, "2026-11-21T10:00:00Z", { inputTokens: null, outputTokens: null, ...unpricedCall }),
      usageRow(2, "2026-11-21T10:00:00Z", { costStatus: "provider", priceBook: null }),
      usageRow(3, "2026-11-21T10:00:00Z", { kind: "task" }),
      usageRow(4, "2026-11-21T10:00:00Z", { model: "house-model", ...unpricedCall }),
      usageRow(5, "2026-11-21T10:00:00Z", { model: "gone" }),
      usageRow(6, "2026-11-21T10:00:00Z", { model: null }),
    ]);
    const priceBook = book("new", 1000n, ["house-model", "gone"]);
    expect(await reprice(store, { ...november, priceBook })).toEqual({
      looked: 5,
      corrected: 0,
      differenceNanoUsd: 0n,
      stillUnpriced: 1,
      notInBook: 2,
      byDetails: 0,
      failed: 0,
      notWritten: 0,
    });
    expect(store.written()).toHaveLength(6);
    const asked = await reprice(store, { ...november, priceBook, includeProviderCosts: true });
    expect([asked.corrected, asked.differenceNanoUsd]).toEqual([1, -1_150_000n]);
  });

  test("does not take searches, audio and an hour's cache off the price of calls whose rows do not keep them", async () => {
    const store = openMemoryStore();
    await store.append([
      usageRow(1, "2026-11-21T10:00:00Z", { priceBook: "list@1+details" }),
      usageRow(2, "2026-11-21T10:00:00Z", { priceBook: "list@1" }),
    ]);
    const result = await reprice(store, { ...november, priceBook: book("list@2", 1000n) });
    expect([result.looked, result.byDetails, result.corrected]).toEqual([2, 1, 1]);
    expect(store.written().map(({ corrects }) => corrects)).toEqual([null, null, store.written()[1]?.eventId]);
  });

  test("only tells what it would do in a dry run", async () => {
    const store = openMemoryStore();
    await store.append([usageRow(1, "2026-11-21T10:00:00Z")]);
    const result = await reprice(store, { ...november, priceBook: book("new", 1000n), dryRun: true });
    expect([result.corrected, result.differenceNanoUsd, store.written().length]).toEqual([1, -1_150_000n, 1]);
  });

  test.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw new Error("usage that cannot be");
      },
    ],
    ["gives a number", () => 12],
    ["gives less than nothing", () => -1n],
    ["gives more than a row holds", () => 10n ** 20n],
  ])("counts a call at which the price book %s, and keeps its price", async (_what, price) => {
    const store = openMemoryStore();
    await store.append([usageRow(1, "2026-11-21T10:00:00Z"), usageRow(2, "2026-11-21T10:00:00Z", unpricedCall)]);
    const result = await reprice(store, {
      ...november,
      priceBook: { name: "bad", price: price as PriceBook["price"] },
    });
    expect([result.failed, result.stillUnpriced, result.corrected, store.written().length]).toEqual([2, 1, 0, 2]);
  });

  test("gives a correction of an event without a time in its id an id without one, so that both share a partition", async () => {
    const store = openMemoryStore();
    await store.append([usageRow(1, "2026-11-21T10:00:00Z", { eventId: "order-17", capturedAt: 0 })]);
    await reprice(store, { ...november, priceBook: book("new", 1000n) });
    const correction = store.written()[1]!;
    expect([
      correction.eventId.startsWith("correction:"),
      capturedAtOf(correction.eventId),
      correction.capturedAt,
    ]).toEqual([true, 0, 0]);
  });

  test("of the same event id in two tenants corrects each by itself, and only the tenant asked for", async () => {
    const store = openMemoryStore();
    await store.append([
      usageRow(1, "2026-11-21T10:00:00Z"),
      usageRow(1, "2026-11-21T10:00:00Z", { tenant: "globex" }),
    ]);
    await reprice(store, { ...november, tenant: "acme", priceBook: book("new", 1000n) });
    expect(store.written().map(({ tenant }) => tenant)).toEqual(["acme", "globex", "acme"]);
    await reprice(store, { ...november, priceBook: book("new", 1000n) });
    expect(new Set(store.written().map(({ eventId }) => eventId)).size).toBe(3);
  });

  test("refuses a window whose rows are forgotten", async () => {
    const store = openMemoryStore();
    await store.retain(new Date("2026-11-01T00:00:00Z"));
    await expect(reprice(store, { from: "2026-10-01", to: "2026-11-02", priceBook: book("new", 1n) })).rejects.toThrow(
      "[meterbridge] [ledger] reprice: from must not be before 2026-11-01T00:00:00.000Z, since the rows before are forgotten (retention), found 2026-10-01T00:00:00.000Z",
    );
  });

  test("holds whatever the calls are, where pages end, and however often the prices change", async () => {
    const calls = fc.array(
      fc.record({
        second: fc.integer({ min: 0, max: 3 }),
        inputTokens: fc.option(fc.integer({ min: 0, max: 1e6 })),
        outputTokens: fc.option(fc.integer({ min: 0, max: 1e6 })),
        isPriced: fc.boolean(),
        tenant: fc.constantFrom("acme", "globex"),
      }),
      { minLength: 1, maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(
        calls,
        fc.array(fc.integer({ min: 0, max: 9000 }), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 5 }),
        async (some, prices, pageSize) => {
          const store = openMemoryStore();
          const rows = some.map(({ second, isPriced, ...fields }, index): LedgerRow =>
            usageRow(index, Date.parse("2026-11-21T10:00:00Z") + second * 1000, {
              ...fields,
              ...(isPriced ? {} : unpricedCall),
            }),
          );
          await store.append(rows);
          const paged: LedgerStore = {
            ...store,
            rows: (query) => store.rows({ ...query, limit: Math.min(query.limit, pageSize) }),
          };
          for (const [index, price] of prices.entries()) {
            await reprice(paged, { ...november, priceBook: book(`book ${index}`, BigInt(price)) });
          }
          const last = BigInt(prices.at(-1)!);
          const expected = rows.reduce((so, row) => {
            const hasTokens = row.inputTokens !== null || row.outputTokens !== null;
            return (
              so +
              (hasTokens ? BigInt((row.inputTokens ?? 0) + (row.outputTokens ?? 0)) * last : (row.costNanoUsd ?? 0n))
            );
          }, 0n);
          const { costNanoUsd, unpriced } = await usageQueries(store).summary(november);
          expect(costNanoUsd).toBe(expected);
          expect(unpriced).toBe(
            rows.filter((row) => row.inputTokens === null && row.outputTokens === null && row.unpriced === 1).length,
          );
          expect(store.written().slice(0, rows.length)).toEqual(rows);
        },
      ),
      { numRuns: 150 },
    );
  });
});
