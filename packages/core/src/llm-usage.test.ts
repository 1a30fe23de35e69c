import { expect, test } from "vitest";
import { usageOf } from "./llm-usage.ts";

// Results in the shapes of openai 7 and @anthropic-ai/sdk 1, without what is not read.
const table: readonly (readonly [name: string, result: unknown, usage: object])[] = [
  [
    "an OpenAI chat completion",
    {
      model: "gpt-4o-2026",
      service_tier: "default",
      usage: { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 },
    },
    { inputTokens: 100, outputTokens: 20, responseModel: "gpt-4o-2026", serviceTier: "default" },
  ],
  [
    "an OpenAI chat completion with cached and reasoning tokens, which are part of the totals",
    {
      model: "o5",
      usage: {
        prompt_tokens: 100,
        completion_tokens: 20,
        prompt_tokens_details: { cached_tokens: 64, audio_tokens: 0 },
        completion_tokens_details: { reasoning_tokens: 12 },
      },
    },
    { inputTokens: 100, outputTokens: 20, cacheReadTokens: 64, reasoningTokens: 12 },
  ],
  [
    "an OpenAI response",
    {
      model: "gpt-4o",
      service_tier: "flex",
      usage: {
        input_tokens: 50,
        input_tokens_details: { cached_tokens: 10 },
        output_tokens: 30,
        output_tokens_details: { reasoning_tokens: 25 },
        total_tokens: 80,
      },
    },
    { inputTokens: 50, outputTokens: 30, cacheReadTokens: 10, reasoningTokens: 25, serviceTier: "flex" },
  ],
  [
    "OpenAI embeddings",
    { model: "text-embedding-3-small", usage: { prompt_tokens: 8, total_tokens: 8 } },
    { inputTokens: 8, outputTokens: undefined, responseModel: "text-embedding-3-small" },
  ],
  [
    "an Anthropic message, whose cached tokens come beside its input",
    {
      model: "claude-opus-5",
      usage: {
        input_tokens: 10,
        output_tokens: 7,
        cache_read_input_tokens: 200,
        cache_creation_input_tokens: 30,
        service_tier: "priority",
      },
    },
    { inputTokens: 240, outputTokens: 7, cacheReadTokens: 200, cacheWriteTokens: 30, serviceTier: "priority" },
  ],
  [
    "an Anthropic message without a cache",
    {
      model: "claude-opus-5",
      usage: { input_tokens: 10, output_tokens: 7, cache_read_input_tokens: null, cache_creation_input_tokens: null },
    },
    { inputTokens: 10, outputTokens: 7, cacheReadTokens: undefined, cacheWriteTokens: undefined },
  ],
  [
    "counts of a wrong kind",
    { model: 5, usage: { prompt_tokens: "100", completion_tokens: null } },
    { inputTokens: undefined, outputTokens: undefined, responseModel: undefined },
  ],
];

test.each(table)("the usage of %s is read as the conventions count it", (_name, result, usage) => {
  expect(usageOf(result)).toMatchObject(usage);
});

test.each([null, undefined, 5, "text", {}, { usage: null }, { usage: 5 }, [], () => 1])(
  "a result without usage (%o) has none, instead of zeros",
  (result) => {
    expect(usageOf(result)).toBeNull();
  },
);

test("nothing but counts, names and tiers is read, so that no content can leak", () => {
  const read = new Set<string>();
  const watched = (target: object, path: string): object =>
    new Proxy(target, {
      get(object, field) {
        read.add(`${path}${String(field)}`);
        const value = Reflect.get(object, field) as unknown;
        return typeof value === "object" && value !== null ? watched(value, `${path}${String(field)}.`) : value;
      },
    });
  const message = { role: "assistant", content: "secret" };
  const contents = {
    id: "1",
    model: "m",
    choices: [{ message }],
    candidates: [{ content: message, groundingMetadata: { groundingChunks: [message], searchEntryPoint: message } }],
    content: "secret",
    text: "secret",
    messages: [message],
    steps: [message],
    output_text: "secret",
    output: [message, { type: "web_search_call", id: "1", action: { type: "search", query: "secret" } }],
    response: { modelId: "m", messages: [message], body: message, headers: message },
    response_metadata: { model_name: "m", usage: message, headers: message },
    providerMetadata: { openai: { serviceTier: "flex", logprobs: [message] }, anthropic: { container: message } },
  };
  for (const usage of [
    { usage: { prompt_tokens: 1 } },
    { usage: { inputTokens: 1 } },
    { totalUsage: { inputTokens: 1 } },
    { usageMetadata: { promptTokenCount: 1 } },
    { usage_metadata: { input_tokens: 1 } },
    { prompt_eval_count: 1 },
    {},
  ]) {
    usageOf(watched({ ...contents, ...usage }, ""));
  }
  const allowed =
    /^(usage|totalUsage|usageMetadata|usage_metadata|(prompt_)?eval_count)\b|^(model|modelVersion|service_tier)$|^response(\.modelId)?$|^response_metadata(\.(model|model_name|service_tier))?$|^providerMetadata(\.openai(\.serviceTier)?|\.anthropic(\.usage)?)?$/;
  // Whether something is a search, and which queries of one answer differ.
  const searches =
    /^output(\.(length|Symbol\(Symbol\.iterator\)|\d(\.(type|status|action(\.type)?))?))?$|^candidates(\.(length|Symbol\(Symbol\.iterator\)|\d(\.groundingMetadata(\.webSearchQueries)?)?))?$/;
  expect([...read].filter((field) => !allowed.test(field) && !searches.test(field))).toEqual([]);
});
