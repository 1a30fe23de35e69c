import { configure, llm, type GenAiSemconv } from "@meterbridge/core";
import { afterAll, beforeEach, afterEach, expect, test } from "vitest";
import type { MeterReading } from "../running-sdk.ts";
import { runSdk, type TestSdk } from "../../test/support/usage-sdk.ts";
import { runningSdk } from "../running-sdk.ts";
import { liveLlm } from "./live-llm.ts";
import { livePoints } from "./live-points.ts";

let sdk: TestSdk;
beforeEach(async () => (sdk = await runSdk()));
afterEach(async () => await sdk.stop());
afterAll(() => configure({ genaiSemconv: "dup" }));

const read = async () => liveLlm(livePoints((await runningSdk()?.collect()) ?? [], undefined));

test.each<GenAiSemconv>(["dup", "latest", "v1.41"])(
  "calls, tokens and durations are counted once under the conventions %s",
  async (genaiSemconv) => {
    configure({ genaiSemconv });
    llm.record({ provider: "openai", model: "gpt-5", inputTokens: 100, outputTokens: 20, duration: 2 });
    llm.record({ provider: "openai", model: "gpt-5", inputTokens: 50, outputTokens: 10, duration: 4 });
    llm.record({ provider: "openai", model: "embed", operation: "embeddings", inputTokens: 7, duration: 1 });
    expect(await read()).toMatchObject({
      requests: { total: 3 },
      tokens: { input: 157, output: 30, total: 187 },
      duration: { count: 3, sumSeconds: 7 },
      models: [
        { model: "gpt-5", requests: { total: 2 }, tokens: { input: 150 }, duration: { count: 2, averageSeconds: 3 } },
        { model: "embed", requests: { total: 1 }, tokens: { input: 7 }, duration: { count: 1, averageSeconds: 1 } },
      ],
    });
  },
);

function durations(...counts: readonly (readonly number[])[]): readonly MeterReading[] {
  return [
    {
      name: "gen_ai.client.operation.duration",
      unit: "s",
      description: "",
      kind: "histogram",
      points: counts.map((each) => ({
        attributes: { "gen_ai.request.model": "gpt-5" },
        value: 10,
        count: each.reduce((sum, count) => sum + count, 0),
        boundaries: [1, 2, 4],
        counts: each,
      })),
    },
  ];
}

test("percentiles are estimated within their bucket, as Prometheus does", () => {
  const { duration } = liveLlm(livePoints(durations([0, 50, 50, 0]), undefined));
  expect(duration).toMatchObject({ count: 100, p50Seconds: 2, p95Seconds: 3.8 });
  expect(liveLlm(livePoints(durations([10, 0, 0, 0]), undefined)).duration.p50Seconds).toBe(0.5);
  expect(liveLlm(livePoints(durations([0, 0, 0, 5]), undefined)).duration.p95Seconds).toBe(4);
  expect(liveLlm(livePoints(durations([0, 0, 0, 0]), undefined)).duration.p95Seconds).toBe(null);
});

test("buckets of several series are added up, and left out where they are of different boundaries", () => {
  const [reading] = durations([1, 2, 3, 4], [4, 3, 2, 1]);
  const { duration } = liveLlm(livePoints([reading!], undefined));
  expect(duration.buckets).toEqual([
    { upToSeconds: 1, count: 5 },
    { upToSeconds: 2, count: 5 },
    { upToSeconds: 4, count: 5 },
    { upToSeconds: null, count: 5 },
  ]);
  const [first, second] = reading!.points;
  const odd = { ...reading!, points: [first!, { ...second!, boundaries: [1, 2, 5] }] };
  expect(liveLlm(livePoints([odd], undefined)).duration).toMatchObject({ count: 20, p50Seconds: null, buckets: [] });
});

test("twenty thousand models are summed up, most requests first", () => {
  const reading = (models: number): MeterReading => ({
    name: "llm.requests",
    unit: "1",
    description: "",
    kind: "counter",
    points: Array.from({ length: models }, (_none, index) => ({
      attributes: { provider: "p", model: `m${index}`, status: "completed" },
      value: index,
    })),
  });
  const { models } = liveLlm(livePoints([reading(20_000)], undefined));
  expect([models.length, models[0]?.model]).toEqual([20_000, "m19999"]);
});
