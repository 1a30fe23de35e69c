import { expect, test } from "vitest";
import type { GenAiSemconv } from "../src/configuration.ts";
import { createCore } from "../src/core.ts";
import type { PriceBook, PricedCall } from "../src/price-book.ts";
import { listenToDiag, registerProvider, startCore } from "./collecting.ts";

const call = { provider: "openai", model: "gpt-4o", inputTokens: 100, outputTokens: 20 } as const;
const full = {
  ...call,
  cacheReadTokens: 1,
  cacheWriteTokens: 1,
  reasoningTokens: 1,
  duration: 2,
  timeToFirstChunk: 1,
  timePerOutputChunk: [0.5, 0.25],
} as const;

const newest = [
  "gen_ai.client.inference.duration",
  "gen_ai.client.inference.time_to_first_chunk",
  "gen_ai.client.inference.time_per_output_chunk",
  "gen_ai.client.inference.usage.input_tokens",
  "gen_ai.client.inference.usage.output_tokens",
  "gen_ai.client.inference.usage.cache_read.input_tokens",
  "gen_ai.client.inference.usage.cache_write.input_tokens",
  "gen_ai.client.inference.usage.reasoning.output_tokens",
  "gen_ai.client.inference.operation.input_tokens",
  "gen_ai.client.inference.operation.output_tokens",
];
const older = [
  "gen_ai.client.operation.duration",
  "gen_ai.client.operation.time_to_first_chunk",
  "gen_ai.client.operation.time_per_output_chunk",
  "gen_ai.client.token.usage",
];

test.each<[GenAiSemconv, readonly string[]]>([
  ["latest", newest],
  ["v1.41", older],
  ["dup", [...newest, ...older]],
])(
  "with genaiSemconv %s exactly the names of that convention are recorded, else dashboards count twice or nothing",
  async (genaiSemconv, names) => {
    const { core, collect } = startCore({ genaiSemconv });
    core.llm.record(full);
    const recorded = (await collect()).names.filter((name) => name.startsWith("gen_ai."));
    expect(recorded.toSorted()).toEqual(names.toSorted());
  },
);

test("embeddings are no inference: their duration goes to operation.duration under every convention", async () => {
  for (const genaiSemconv of ["latest", "v1.41", "dup"] as const) {
    const { core, collect } = startCore({ genaiSemconv });
    core.llm.record({ ...call, operation: "embeddings", duration: 0.5 });
    const collection = await collect();
    expect(collection.count("gen_ai.client.operation.duration", { "gen_ai.operation.name": "embeddings" })).toBe(1);
    expect(collection.names).not.toContain("gen_ai.client.inference.duration");
  }
});

test("input and output tokens are recorded as 0 for a call without usage, so that rates by model have no gaps", async () => {
  const { core, collect } = startCore();
  core.llm.record({ provider: "openai", model: "gpt-4o", duration: 1 });
  const collection = await collect();
  expect(collection.points("gen_ai.client.inference.usage.input_tokens")).toHaveLength(1);
  expect(collection.total("gen_ai.client.inference.usage.input_tokens")).toBe(0);
  expect(collection.names).not.toContain("gen_ai.client.inference.operation.input_tokens");
});

test("an unpriced call is counted as unpriced and never as a cost of 0, else a new model looks free", async () => {
  const { core, collect } = startCore({ priceBook: { name: "empty", price: () => null } });
  core.llm.record(call);
  const collection = await collect();
  expect(collection.total("llm.unpriced", { provider: "openai", model: "gpt-4o" })).toBe(1);
  expect(collection.names).not.toContain("llm.cost");
  expect(collection.names).not.toContain("llm.request.cost");
});

test("what the provider says a call cost goes before the price book, in nano-dollars rounded once", async () => {
  const { core, collect } = startCore({ priceBook: { name: "book", price: () => 5_000_000_000n } });
  const costs: (bigint | null)[] = [];
  core.addUsageSink({ write: ({ costNanoUsd }) => void costs.push(costNanoUsd) });
  for (const costUsd of [0.1 + 0.2, 1e-9, 4e-10, 0, 0.0000000015]) core.llm.record({ ...call, costUsd });
  core.llm.record(call);
  expect(costs).toEqual([300_000_000n, 1n, 0n, 0n, 2n, 5_000_000_000n]);
  const collection = await collect();
  expect(collection.total("llm.cost")).toBeCloseTo(5.300000003, 12);
  expect(collection.count("llm.request.cost")).toBe(6);
});

test.each([
  ["NaN", NaN, "not_finite"],
  ["a negative amount", -1, "negative"],
  ["an amount beyond all money", 1e300, "too_large"],
  ["a text", "1.5", "not_a_number"],
])("%s as the provider's cost is refused, and the price book is asked", async (_name, costUsd, reason) => {
  const { core, collect } = startCore({ priceBook: { name: "book", price: () => 1_000_000_000n } });
  core.llm.record({ ...call, costUsd: costUsd as number });
  const collection = await collect();
  expect(collection.total("llm.cost")).toBe(1);
  expect(collection.total("meterbridge.values.refused", { meter: "llm.cost", reason })).toBe(1);
});

test.each<[string, () => unknown]>([
  [
    "throws",
    () => {
      throw new Error("no such file");
    },
  ],
  ["gives a negative price", () => -1n],
  ["gives a number instead of a bigint", () => 0.5],
  ["gives undefined", () => undefined],
])("a price book that %s leaves the call unpriced, and is told and counted", async (_name, price) => {
  const told = listenToDiag();
  const { core, collect } = startCore({ priceBook: { name: "broken", price } as PriceBook });
  core.llm.record(call);
  core.llm.record(call);
  const collection = await collect();
  expect(collection.total("llm.unpriced")).toBe(2);
  expect(collection.names).not.toContain("llm.cost");
  expect(collection.total("meterbridge.values.refused", { meter: "llm.cost", reason: "price_book_failed" })).toBe(2);
  expect(told).toHaveLength(1);
});

test("a failed call that used nothing has nothing to price; one that used tokens costs what it used", async () => {
  const { core, collect } = startCore({ priceBook: { name: "book", price: () => 1_000_000_000n } });
  core.llm.record({ provider: "openai", model: "gpt-4o", errorType: "Timeout" });
  core.llm.record({ provider: "openai", model: "gpt-4o", status: "failed" });
  core.llm.start({ provider: "openai", model: "gpt-4o" }).fail(new Error("x"));
  core.llm.record({ ...call, errorType: "Timeout" });
  const collection = await collect();
  expect(collection.names).not.toContain("llm.unpriced");
  expect(collection.total("llm.cost")).toBe(1);
  expect(collection.total("llm.requests", { status: "failed" })).toBe(4);
});

test("the price book is asked with all that a price depends on", () => {
  const asked: PricedCall[] = [];
  const { core } = startCore({ priceBook: { name: "book", price: (priced) => (asked.push(priced), null) } });
  const occurredAt = new Date("2026-01-02T03:04:05Z");
  core.llm.record({ ...full, responseModel: "gpt-4o-2026", serviceTier: "flex", occurredAt });
  expect(asked).toEqual([
    {
      provider: "openai",
      model: "gpt-4o",
      responseModel: "gpt-4o-2026",
      inputTokens: 100,
      outputTokens: 20,
      cacheReadTokens: 1,
      cacheWriteTokens: 1,
      reasoningTokens: 1,
      serviceTier: "flex",
      occurredAt,
    },
  ]);
});

test("without anybody to record for no price is looked up, and with a provider that came unannounced it is", () => {
  let asked = 0;
  const core = createCore();
  core.configure({ priceBook: { name: "book", price: () => ((asked += 1), null) } });
  core.llm.record(call);
  expect(asked).toBe(0);
  registerProvider();
  core.llm.record(call);
  expect(asked).toBe(1);
});

test("a wrong count is refused by itself, the other counts stand", async () => {
  const { core, collect } = startCore();
  core.llm.record({ ...call, inputTokens: NaN, cacheReadTokens: -1, reasoningTokens: 1.5 });
  const collection = await collect();
  expect(collection.total("gen_ai.client.inference.usage.output_tokens")).toBe(20);
  expect(collection.total("gen_ai.client.inference.usage.input_tokens")).toBe(0);
  const refused = (reason: string): number =>
    collection.total("meterbridge.values.refused", { meter: "llm tokens", reason });
  expect([refused("not_finite"), refused("negative"), refused("not_a_number")]).toEqual([1, 1, 1]);
});
