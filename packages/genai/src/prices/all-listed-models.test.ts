import { calcPrice, type ModelInfo, type Provider, waitForUpdate } from "@pydantic/genai-prices";
import type { PricedCall } from "@meterbridge/core";
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { genaiPrices } from "./genai-prices.ts";
import { searchRate } from "./listed-prices.ts";

// The list's own calculation is in doubles; ours is in whole numbers, rounded once. So they may differ by one nano-dollar where the
// double lands on the other side of a half, and by no more as long as a double is finer than that.

const book = genaiPrices();
let models: readonly { readonly provider: Provider; readonly model: ModelInfo }[] = [];

beforeAll(async () => {
  const providers = (await waitForUpdate()) ?? [];
  models = providers.flatMap((provider) => provider.models.map((model) => ({ provider, model })));
});

interface Usage {
  readonly fresh: readonly number[];
  readonly read: readonly number[];
  readonly written: readonly [minutes: number, hour: number];
  readonly output: readonly number[];
  readonly reasoning: number;
  readonly searches: number;
}

const modalities = ["text", "audio", "image", "video"] as const;

/** How many prices were held against the list's, and how many were missing for a reason. */
interface Compared {
  priced: number;
  missing: number;
}

function compare(provider: Provider, model: ModelInfo, usage: Usage, occurredAt: Date, compared: Compared): void {
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
  const named = (numbers: readonly number[]): Record<string, number> =>
    Object.fromEntries(modalities.map((modality, index) => [modality, numbers[index] ?? 0]));
  const both = usage.fresh.map((tokens, index) => tokens + (usage.read[index] ?? 0));
  const [minutes] = usage.written;
  const rates = calcPrice({}, model.id, { providerId: provider.id, timestamp: occurredAt })?.model_price;
  if (rates === undefined) return;
  const hour = rates["cache_write_1h_mtok"] === undefined ? 0 : usage.written[1];
  // What is written to a cache is text.
  const call: PricedCall = {
    provider: provider.id,
    model: model.id,
    inputTokens: sum(both) + minutes + hour,
    outputTokens: sum(usage.output) + usage.reasoning,
    cacheReadTokens: sum(usage.read),
    cacheWriteTokens: minutes + hour,
    cacheWriteHourTokens: hour,
    reasoningTokens: usage.reasoning,
    inputByModality: named(both),
    cacheReadByModality: named(usage.read),
    outputByModality: named(usage.output),
    webSearches: usage.searches,
    occurredAt,
  };
  const asked: Record<string, number> = {
    input_tokens: call.inputTokens,
    output_tokens: call.outputTokens,
    cache_read_tokens: call.cacheReadTokens,
    cache_write_tokens: call.cacheWriteTokens,
    cache_write_1h_tokens: hour,
    output_reasoning_tokens: usage.reasoning,
    web_searches: usage.searches,
  };
  for (const [index, modality] of modalities.entries()) {
    asked[`input_${modality}_tokens`] = both[index] ?? 0;
    asked[`cache_${modality}_read_tokens`] = usage.read[index] ?? 0;
    asked[`output_${modality}_tokens`] = usage.output[index] ?? 0;
  }
  const listed = calcPrice(asked, model.id, { providerId: provider.id, timestamp: occurredAt });
  const ours = book.price(call);
  // The list tells none of Google's.
  const ownSearchRate = provider.id === "google" ? searchRate(model.id) : undefined;
  const what = `${provider.id} ${model.id} ${occurredAt.toISOString()} ${JSON.stringify(call)}`;
  if (ours === null) {
    const isMissing =
      (call.inputTokens > 0 && rates["input_mtok"] === undefined) ||
      (call.outputTokens > 0 && rates["output_mtok"] === undefined) ||
      (usage.searches > 0 && rates["web_searches_kcount"] === undefined && ownSearchRate === undefined);
    expect(isMissing, what).toBe(true);
    compared.missing += 1;
    return;
  }
  const searched = rates["web_searches_kcount"] === undefined ? (ownSearchRate?.units ?? 0n) : 0n;
  const all =
    BigInt(Math.round((listed?.total_price ?? Number.NaN) * 1e9)) + searched * 1_000_000n * BigInt(usage.searches);
  const difference = ours - all;
  expect(difference >= -1n && difference <= 1n, `${what}: ${difference}`).toBe(true);
  compared.priced += 1;
}

/** Moments at which some price begins, ends or holds. */
function momentsOf({ prices }: ModelInfo): readonly Date[] {
  const constraints = Array.isArray(prices) ? prices.map(({ constraint }) => constraint) : [];
  const starts = constraints.flatMap((constraint) => {
    if (constraint === undefined) return [];
    if (constraint.type === "start_date") return [Date.parse(constraint.start_date)];
    return [constraint.start_time, constraint.end_time].map((time) => Date.parse(`2026-11-03T${time}`));
  });
  return [Date.parse("2026-11-01T12:00:00Z"), ...starts.flatMap((start) => [start - 1, start])].map(
    (time) => new Date(time),
  );
}

const some: Usage = {
  fresh: [101_003, 2_017, 301, 97],
  read: [50_021, 1_009, 103, 11],
  written: [7_001, 3_001],
  output: [9_973, 1_013, 211, 31],
  reasoning: 4_001,
  searches: 0,
};

test("every model of the list costs what the list's own calculation says, at every moment at which a price changes", () => {
  const compared: Compared = { priced: 0, missing: 0 };
  for (const { provider, model } of models) {
    for (const occurredAt of momentsOf(model)) {
      compare(provider, model, some, occurredAt, compared);
      compare(provider, model, { ...some, fresh: [900_000, 0, 0, 0] }, occurredAt, compared);
      compare(provider, model, { ...some, output: [0, 0, 0, 0], reasoning: 0, searches: 3 }, occurredAt, compared);
    }
  }
  expect(models.length).toBeGreaterThan(1400);
  expect(compared.priced).toBeGreaterThan(2000);
});

test("any usage of any model costs what the list's own calculation says", () => {
  const tokens = fc.oneof(fc.constant(0), fc.nat({ max: 400_000 }), fc.nat({ max: 20_000_000 }));
  const four = fc.array(tokens, { minLength: 4, maxLength: 4 });
  const usages = fc.record({
    fresh: four,
    read: four,
    written: fc.tuple(tokens, tokens),
    output: four,
    reasoning: tokens,
    searches: fc.constantFrom(0, 0, 0, 1, 7),
  });
  const compared: Compared = { priced: 0, missing: 0 };
  const moments = fc.date({ min: new Date("2025-01-01"), max: new Date("2027-06-01"), noInvalidDate: true });
  fc.assert(
    fc.property(fc.nat({ max: models.length - 1 }), usages, moments, (index, usage, occurredAt) => {
      const { provider, model } = models[index] ?? {};
      if (provider !== undefined && model !== undefined) compare(provider, model, usage, occurredAt, compared);
    }),
    { numRuns: 3000 },
  );
  expect(compared.priced).toBeGreaterThan(500);
});

test("names from outside do not make the book grow: after thousands of them it still prices, and by the right rates", () => {
  const call = { inputTokens: 1_000_000, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 };
  const occurredAt = new Date("2026-11-01T12:00:00Z");
  for (let index = 0; index < 4500; index++) {
    const model = index % 2 === 0 ? "gpt-5" : `nobody-${index}`;
    const price = book.price({ ...call, provider: "openai", model, serviceTier: `tier-${index % 40}`, occurredAt });
    expect(price).toBeNull();
    expect(book.price({ ...call, provider: "openai", model: "gpt-5", occurredAt })).toBe(1_250_000_000n);
  }
});
