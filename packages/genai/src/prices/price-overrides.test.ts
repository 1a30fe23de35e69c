import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { PricedCall } from "@meterbridge/core";
import { toJsonSchema } from "@valibot/to-json-schema";
import { describe, expect, onTestFinished, test } from "vitest";
import { pricedCall } from "../../test/support/priced-call.ts";
import { genaiPrices } from "./genai-prices.ts";
import type { PriceOverride } from "./price-override.ts";
import { priceOverridesSchema } from "./price-overrides-schema.ts";

function call(provider: string, model: string, used: Partial<PricedCall> = {}): PricedCall {
  return pricedCall(provider, model, { inputTokens: 1_000_000, ...used });
}

function bookOf(...prices: readonly PriceOverride[]): ReturnType<typeof genaiPrices> {
  return genaiPrices({ overrides: { prices } });
}

function fileOf(content: string): string {
  const directory = mkdtempSync(path.join(tmpdir(), "prices-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = path.join(directory, "prices.json");
  writeFileSync(file, content);
  return file;
}

describe("prices of one's own", () => {
  test("go before the list, for the model asked for and the one that answered, and leave all others to the list", () => {
    const book = bookOf({ provider: "openai", model: "gpt-5", perMillionTokens: { input: "1.00", output: "8" } });
    expect(book.price(call("openai", "gpt-5"))).toBe(1_000_000_000n);
    expect(book.price(call("openai", "gpt-5", { responseModel: "gpt-5-2025-08-07" }))).toBe(1_000_000_000n);
    expect(book.price(call("openai", "alias", { responseModel: "gpt-5" }))).toBe(1_000_000_000n);
    expect(book.price(call("openai", "gpt-5-mini"))).toBe(250_000_000n);
    expect(book.price(call("azure.ai.openai", "gpt-5"))).toBe(1_250_000_000n);
  });

  test("price models that no list has, by every kind of usage", () => {
    const book = bookOf({
      provider: "house",
      model: "house-*",
      perMillionTokens: {
        input: 2,
        output: 4,
        cacheRead: "0.2",
        cacheWrite: 2.5,
        cacheWriteHour: 4,
        reasoning: 6,
        inputAudio: 10,
        outputImage: 40,
      },
      perRequest: "0.001",
      perWebSearch: 0.01,
    });
    const used = {
      inputTokens: 1000,
      cacheReadTokens: 300,
      cacheWriteTokens: 200,
      cacheWriteHourTokens: 50,
      inputByModality: { audio: 100 },
      outputTokens: 500,
      reasoningTokens: 100,
      outputByModality: { image: 50 },
      webSearches: 3,
    };
    // In nano-USD: 400 × 2,000 + 300 × 200 + 150 × 2,500 + 50 × 4,000 + 100 × 10,000 + 350 × 4,000 + 100 × 6,000 + 50 × 40,000, and
    // 1,000,000 for the request, 3 × 10,000,000 for searches.
    expect(book.price(call("house", "house-large", used))).toBe(6_435_000n + 31_000_000n);
    expect(book.knows?.({ provider: "house", model: "house-large" })).toBe(true);
    expect(book.knows?.({ provider: "house", model: "other" })).toBe(false);
  });

  test("charge cached audio as cached where it has no rate of its own, and as audio where caches have none", () => {
    const tokens = {
      inputTokens: 1000,
      inputByModality: { audio: 600 },
      cacheReadTokens: 300,
      cacheReadByModality: { audio: 200 },
    };
    const priced = (perMillionTokens: PriceOverride["perMillionTokens"]): bigint | null =>
      bookOf({ provider: "house", model: "m", perMillionTokens }).price(call("house", "m", tokens));
    // 300 × 1,000 + 100 × 100 of text, 400 × 10,000 + 200 × 100 of audio
    expect(priced({ input: 1, cacheRead: "0.1", inputAudio: 10 })).toBe(4_330_000n);
    // 400 × 1,000 and 600 × 10,000
    expect(priced({ input: 1, inputAudio: 10 })).toBe(6_400_000n);
  });

  test("leave a call unpriced for which they have no rate, instead of giving that part away", () => {
    const book = bookOf({ provider: "house", model: "house-1", perMillionTokens: { input: 1 } });
    expect(book.price(call("house", "house-1", { outputTokens: 1 }))).toBeNull();
    expect(book.price(call("house", "house-1", { webSearches: 1 }))).toBeNull();
  });

  test("of which the first that fits counts, by time and by tier", () => {
    const book = bookOf(
      { provider: "openai", model: "gpt-5", until: "2026-07-01", perMillionTokens: { input: 1 } },
      {
        provider: "openai",
        model: "gpt-5",
        from: "2026-07-01",
        until: "2026-12-01T06:00Z",
        perMillionTokens: { input: 2 },
      },
      { provider: "openai", model: "gpt-5", tier: "priority", perMillionTokens: { input: 3 } },
      { provider: "openai", model: "gpt*", perMillionTokens: { input: 4 } },
      { provider: "*", model: "*", perMillionTokens: { input: 5 } },
    );
    const usd = (used: Partial<PricedCall>, model = "gpt-5"): number =>
      Number(book.price(call("openai", model, used))) / 1e9;
    expect(usd({ occurredAt: new Date("2026-06-30T23:59:59.999Z") })).toBe(1);
    expect(usd({ occurredAt: new Date("2026-07-01T00:00:00Z") })).toBe(2);
    expect(usd({ occurredAt: new Date("2026-12-01T05:59:59.999Z") })).toBe(2);
    expect(usd({ occurredAt: new Date("2026-12-01T06:00:00Z") })).toBe(4);
    expect(usd({ serviceTier: "fast" })).toBe(3);
    // No price of one's own for this tier: half of the list's 1.25.
    expect(usd({ serviceTier: "flex" })).toBe(0.625);
    expect(usd({}, "gpt-6-sol")).toBe(4);
    expect(usd({}, "o3")).toBe(5);
  });

  test("are exact to the last digit, as texts and as numbers", () => {
    const priced = (input: string | number, inputTokens: number): bigint | null =>
      bookOf({ provider: "h", model: "m", perMillionTokens: { input } }).price(call("h", "m", { inputTokens }));
    // A billion tokens at 10^-12 USD per million are one nano-dollar.
    expect(priced("0.000000000001", 1e9)).toBe(1n);
    expect(priced(0.000000000001, 1e9)).toBe(1n);
    // Half of one is rounded up, less than half down.
    expect(priced("0.000000000001", 500_000_000)).toBe(1n);
    expect(priced("0.000000000001", 499_999_999)).toBe(0n);
    expect(priced("1234567890.123456789012", 1e9)).toBe(1_234_567_890_123_456_789_012n);
  });

  test("show in the name of the book, so that a ledger's row tells what it was billed by", () => {
    const price = { provider: "openai", model: "gpt-5", perMillionTokens: { input: 1 } };
    const name = bookOf(price).name;
    expect(name).toMatch(/^genai-prices@[\d.]+\+overrides-[0-9a-f]{8}$/);
    expect(bookOf(price).name).toBe(name);
    expect(bookOf({ ...price, perMillionTokens: { input: 2 } }).name).not.toBe(name);
    expect(bookOf().name).toBe(genaiPrices().name);
  });

  test("come from a file too, after those of the options", () => {
    const prices = [
      { provider: "openai", model: "gpt-5", perMillionTokens: { input: "3" } },
      { provider: "openai", model: "o3", perMillionTokens: { input: "4" } },
    ];
    const overridesFile = fileOf(`\uFEFF${JSON.stringify({ $schema: "price-overrides.schema.json", prices })}`);
    const book = genaiPrices({
      overridesFile,
      overrides: { prices: [{ provider: "openai", model: "gpt-5", perMillionTokens: { input: 2 } }] },
    });
    expect(book.price(call("openai", "gpt-5"))).toBe(2_000_000_000n);
    expect(book.price(call("openai", "o3"))).toBe(4_000_000_000n);
  });
});

describe("a file of prices that is wrong stops the start", () => {
  const good = { provider: "openai", model: "gpt-5" };
  const rates = { perMillionTokens: { input: "1" } };

  test.each([
    [1, "all of it must be an object with prices, found 1"],
    [[], "prices is missing"],
    [{}, "prices is missing"],
    [{ prices: [], price: 1 }, "price is unknown"],
    [{ prices: {} }, "prices must be a list of prices, found {}"],
    [{ prices: [1] }, "prices.0 must be an object with provider, model and rates, found 1"],
    [{ prices: [{ ...rates, model: "gpt-5" }] }, "prices.0.provider is missing"],
    [
      { prices: [{ ...good, ...rates, model: "g*t" }] },
      'prices.0.model must be a name, or the beginning of one and a "*", found "g*t"',
    ],
    [{ prices: [{ ...good, ...rates, model: "" }] }, "prices.0.model must be a name"],
    [{ prices: [{ ...good, ...rates, input: 1 }] }, "prices.0.input is unknown"],
    [{ prices: [good] }, "prices.0 must have a rate: perMillionTokens, perRequest or perWebSearch"],
    [{ prices: [{ ...good, perMillionTokens: { inputs: 1 } }] }, "prices.0.perMillionTokens.inputs is unknown"],
    [
      { prices: [{ ...good, perMillionTokens: { input: "1,25" } }] },
      "prices.0.perMillionTokens.input must be a decimal number of at least 0",
    ],
    [
      { prices: [{ ...good, perMillionTokens: { input: -1 } }] },
      "prices.0.perMillionTokens.input must be a decimal number of at least 0",
    ],
    [{ prices: [{ ...good, perMillionTokens: { input: 1e-13 } }] }, "with at most 12 digits after the point"],
    [{ prices: [{ ...good, perRequest: null }] }, "prices.0.perRequest must be a decimal number"],
    [{ prices: [{ ...good, ...rates, from: "01.02.2026" }] }, 'prices.0.from must be a date such as "2026-01-31"'],
    [{ prices: [{ ...good, ...rates, until: "2026-02-31T25:00Z" }] }, "prices.0.until must be a date"],
    [{ prices: [{ ...good, ...rates, tier: "" }] }, "prices.0.tier must be the name of a service tier"],
  ])("%j", (content, problem) => {
    const overridesFile = fileOf(JSON.stringify(content));
    const told = messageOf(() => genaiPrices({ overridesFile }));
    expect(told).toContain(`[meterbridge] [genai] [prices] ${overridesFile}: `);
    expect(told).toContain(problem);
    const inCode = messageOf(() => genaiPrices({ overrides: content as never }));
    expect(inCode).toContain('[meterbridge] [genai] [prices] option "overrides": ');
    expect(inCode).toContain(problem);
  });

  test("with a line for each mistake", () => {
    const prices = [
      { ...good, perMillionTokens: { input: "x", output: "y" } },
      { ...good, from: "soon", ...rates },
    ];
    const told = messageOf(() => genaiPrices({ overridesFile: fileOf(JSON.stringify({ prices })) }));
    expect(told.split("\n")).toHaveLength(3);
    for (const line of told.split("\n"))
      expect(line).toMatch(/^\[meterbridge\] \[genai\] \[prices\] \/.*: prices\.\d\.\S+ must be /);
  });

  test("that is not there, or is no JSON", () => {
    expect(messageOf(() => genaiPrices({ overridesFile: "/nowhere/prices.json" }))).toBe(
      "[meterbridge] [genai] [prices] cannot read the prices of /nowhere/prices.json: ENOENT",
    );
    expect(messageOf(() => genaiPrices({ overridesFile: fileOf("{") }))).toContain("prices.json is no JSON: ");
  });
});

test("the published JSON Schema is the one that is checked by", () => {
  const file = path.join(import.meta.dirname, "../../../../docs/price-overrides.schema.json");
  const schema = toJsonSchema(priceOverridesSchema, { ignoreActions: ["check"], target: "draft-2020-12" });
  const title = "Prices of your own for @meterbridge/genai";
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(JSON.parse(JSON.stringify({ title, ...schema })));
});

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error("nothing was thrown");
}
