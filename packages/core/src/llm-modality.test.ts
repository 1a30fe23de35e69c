import fc from "fast-check";
import { expect, test } from "vitest";
import { startCore } from "../test/collecting.ts";
import { sharesOf } from "./llm-modality.ts";

test("parts never add up to more than the whole, and what is not told is unknown, whatever a provider says", () => {
  const count = fc.oneof(fc.nat(100), fc.constantFrom(undefined, null, NaN, -1, 0.5, "5", 5n, {}));
  const parts = fc.oneof(
    fc.record({ text: count, image: count, audio: count, video: count }),
    fc.constantFrom(null, undefined, 5, "text", []),
  );
  fc.assert(
    fc.property(fc.nat(200), parts, (whole, given) => {
      const shares = sharesOf(whole, given, () => {});
      expect(shares.reduce((sum, [, tokens]) => sum + tokens, 0)).toBe(whole);
      expect(shares.every(([, tokens]) => tokens >= 0)).toBe(true);
      expect(new Set(shares.map(([modality]) => modality)).size).toBe(shares.length);
    }),
  );
});

test("tokens are counted by what they stand for, so that a bill for audio can be told from one for text", async () => {
  const { core, collect } = startCore();
  core.llm.record({
    provider: "openai",
    model: "gpt-realtime",
    inputTokens: 100,
    outputTokens: 50,
    cacheReadTokens: 30,
    inputByModality: { text: 60, audio: 30 },
    cacheReadByModality: { text: 30 },
    outputByModality: { audio: 50 },
  });
  const collection = await collect();
  const of = (name: string): object =>
    Object.fromEntries(
      collection
        .points(`gen_ai.client.inference.usage.${name}`)
        .map(({ attributes, value }) => [attributes["gen_ai.token.modality"], value]),
    );
  expect(of("input_tokens")).toEqual({ text: 60, audio: 30, unknown: 10 });
  expect(of("output_tokens")).toEqual({ audio: 50 });
  expect(of("cache_read.input_tokens")).toEqual({ text: 30 });
  expect(collection.names).not.toContain("meterbridge.values.refused");
});

test("a part larger than the whole is refused and counted, and the whole stays what it is", async () => {
  const { core, collect } = startCore();
  const call = { provider: "openai", model: "gpt-4o", inputTokens: 10, outputTokens: 1 } as const;
  core.llm.record({ ...call, inputByModality: { text: 4, image: 7 } });
  core.llm.record({ ...call, inputTokens: undefined, inputByModality: { text: 4 } });
  core.llm.record({ ...call, inputByModality: { text: -4 } });
  const collection = await collect();
  const name = "gen_ai.client.inference.usage.input_tokens";
  expect(collection.total(name)).toBe(20);
  expect(collection.total(name, { "gen_ai.token.modality": "text" })).toBe(4);
  const refused = (reason: string): number =>
    collection.total("meterbridge.values.refused", { meter: "llm tokens", reason });
  expect([refused("too_large"), refused("negative")]).toEqual([2, 1]);
});
