import { configure, llm, withAttribution, type LlmCall } from "@meterbridge/core";
import { MeterProvider } from "@meterbridge/sdk-metrics";
import { context, metrics, type Attributes } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { MeterProvider as OfficialMeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";
import { afterEach, beforeEach, expect, test } from "vitest";

beforeEach(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});

afterEach(() => {
  metrics.disable();
  context.disable();
  configure({ priceBook: null, genaiSemconv: "dup" });
});

/** Calls with all that can be told of one, by turns: each kind comes often enough to be known, and between others. */
function* calls(count: number): Generator<{ readonly tenant: string | undefined; readonly call: LlmCall }> {
  let state = 12_345;
  const one = <Value>(...of: readonly Value[]): Value => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return of[(state >>> 16) % of.length]!;
  };
  for (let n = 0; n < count; n++) {
    const usual = {
      provider: one("openai", "anthropic"),
      model: one("small", "large", "unknown"),
      inputTokens: one<unknown>(0, 100, 1200),
      outputTokens: one<unknown>(0, 80),
      cacheReadTokens: one(undefined, 0, 60),
      reasoningTokens: one(undefined, undefined, 0, 7),
      duration: one<unknown>(undefined, 0.7, 12),
      contextSize: one(undefined, undefined, 4096),
      responseModel: one(undefined, "small-1"),
      errorType: one(undefined, undefined, undefined, "429"),
    };
    const unusual = {
      ...usual,
      modelLabel: one(undefined, undefined, "other"),
      operation: one(undefined, undefined, "embeddings"),
      inputTokens: one<unknown>(undefined, 100, 5n, -1, NaN, 1.5),
      outputTokens: one<unknown>(undefined, 80, "many"),
      cacheWriteTokens: one(undefined, undefined, 5),
      inputByModality: one(undefined, undefined, undefined, { text: 60, image: 30 }, { audio: 5000 }),
      costUsd: one(undefined, undefined, undefined, 0.25),
      duration: one<unknown>(undefined, 0.7, Infinity, null),
      timeToFirstChunk: one(undefined, undefined, 0.1),
      timePerOutputChunk: one<LlmCall["timePerOutputChunk"]>(undefined, undefined, 0.5, [0.25, 0.5]),
      queueDuration: one(undefined, undefined, 0.5),
      status: one<LlmCall["status"]>(undefined, undefined, "failed", "cancelled"),
    };
    const call = one(usual, usual, unusual);
    yield { tenant: one(undefined, "acme", "zeta"), call: call as LlmCall };
  }
}

async function shownAfter(Provider: ProviderClass, isKnown: boolean): Promise<readonly string[]> {
  const reader = new PullReader();
  metrics.disable();
  metrics.setGlobalMeterProvider(new Provider({ readers: [reader] }));
  for (const { tenant, call } of calls(2000)) {
    // Makes all calls new ones.
    if (!isKnown) configure({});
    withAttribution({ tenant }, () => llm.record(call));
  }
  const { resourceMetrics, errors } = await reader.collect();
  expect(errors).toEqual([]);
  return resourceMetrics.scopeMetrics
    .flatMap((scope) => scope.metrics)
    .flatMap(({ descriptor, dataPoints }) =>
      dataPoints.map(({ attributes, value }) =>
        JSON.stringify([descriptor.name, attributesText(attributes), rounded(value)]),
      ),
    )
    .toSorted();
}

function attributesText(attributes: Attributes): string {
  const names = Object.keys(attributes).toSorted((one, other) => (one < other ? -1 : 1));
  return JSON.stringify(names.map((name) => [name, attributes[name]]));
}

/** Sums of the same amounts in another order differ in their last digits. */
function rounded(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_key, each: unknown) =>
    typeof each === "number" ? Number(each.toPrecision(9)) : each,
  ) as unknown;
}

test.each(["dup", "latest", "v1.41"] as const)(
  "with genaiSemconv %s a call of a kind that is known adds up as a new one does, in our provider and in the official one",
  async (genaiSemconv) => {
    const price = ({ model, inputTokens }: { model: string; inputTokens: number }): bigint | null =>
      model === "unknown" ? null : BigInt(inputTokens) * 1000n;
    configure({ genaiSemconv, priceBook: { name: "test", price } });
    const ways = [
      await shownAfter(MeterProvider, true),
      await shownAfter(MeterProvider, false),
      await shownAfter(OfficialMeterProvider, true),
      await shownAfter(OfficialMeterProvider, false),
    ];
    expect(ways[0]!.length).toBeGreaterThan(200);
    for (const way of ways) expect(way).toEqual(ways[0]);
  },
);

type ProviderClass = new (options: { readers: MetricReader[] }) => Parameters<typeof metrics.setGlobalMeterProvider>[0];

class PullReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}
