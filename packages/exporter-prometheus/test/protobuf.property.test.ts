import type { ExponentialHistogram, ResourceMetrics } from "@opentelemetry/sdk-metrics";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RenderSettings } from "../src/render-steps.ts";
import { render } from "../src/index.ts";
import { createRenderer } from "../src/renderer.ts";
import { exponentialHistogramOf } from "./collect-values.ts";
import { parseExposition } from "./exposition-parser.ts";
import { attributes, metric } from "./hostile-metrics.ts";
import { collected, counter, exponentialHistogram, histogram, recorded } from "./metric-data.ts";
import {
  labelsOf,
  messagesOf,
  numberOf,
  readFamilies,
  type ReadFamily,
  type Fields,
  signed,
} from "./protobuf-reader.ts";

const settings: RenderSettings = {
  format: "protobuf",
  naming: { strategy: "UnderscoreEscapingWithSuffixes", escaping: "underscores" },
  withScopeInfo: false,
  withTargetInfo: true,
  withCreated: false,
  onWarning: () => {},
};

async function protobuf(resourceMetrics: ResourceMetrics): Promise<ReadFamily[]> {
  return readFamilies(Buffer.concat(await createRenderer(0).render(resourceMetrics, settings)));
}

/** Every sample as text would have it: name, labels, value. */
function samplesOf(families: readonly ReadFamily[]): [string, string, number][] {
  return families.flatMap(({ name, type, metrics }) =>
    metrics.flatMap(({ labels, fields }): [string, string, number][] => {
      const own = JSON.stringify(Object.entries(labels));
      if (type !== 4) return [[name, own, numberOf(messagesOf(fields, type === 0 ? 3 : 2)[0]!, 1) ?? Number.NaN]];
      const [value] = messagesOf(fields, 7);
      const buckets = messagesOf(value!, 3).map((bucket): [string, string, number] => [
        `${name}_bucket ${numberOf(bucket, 2)}`,
        own,
        numberOf(bucket, 1) ?? Number.NaN,
      ]);
      const sum = numberOf(value!, 2);
      const sums: [string, string, number][] = sum === undefined ? [] : [[`${name}_sum`, own, sum]];
      return [...buckets, ...sums, [`${name}_count`, own, numberOf(value!, 1) ?? Number.NaN]];
    }),
  );
}

describe("protobuf", () => {
  it("says the same as text, of any names, units, attributes and values", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(metric, { maxLength: 8 }), attributes, async (metrics, resource) => {
        const given = collected(metrics, resource);
        const families = await protobuf(given);
        const text = parseExposition(render(given), "text");
        expect(families.map(({ name, help }) => [name, help])).toEqual(text.map(({ name, help }) => [name, help]));
        expect(samplesOf(families)).toEqual(
          text.flatMap(({ samples }) =>
            samples.map(({ name, labels, value }) => {
              const { le, ...others } = Object.fromEntries(labels);
              const bucket = le === undefined ? name : `${name} ${le === "+Inf" ? Infinity : Number(le)}`;
              return [bucket, JSON.stringify(Object.entries(others)), value];
            }),
          ),
        );
      }),
      { numRuns: 500 },
    );
  });

  it("has lengths right where one byte is not enough for them", async () => {
    const long = "x".repeat(1000);
    const points = Array.from({ length: 3000 }, (_, index) => [{ index, a: long, b: long }, index] as const);
    const bounds = Array.from({ length: 500 }, (_, index) => index);
    const families = await protobuf(
      collected([
        counter({ name: "c", description: long }, points),
        histogram({ name: "h" }, [[{}, recorded(bounds, [3, 1e9])]]),
      ]),
    );
    expect(families.map(({ name, metrics }) => [name, metrics.length])).toEqual([
      ["c_total", 3000],
      ["h", 1],
    ]);
    expect(families[0]?.metrics[2999]?.labels).toEqual({ a: long, b: long, index: "2999" });
    expect(samplesOf(families).find(([name]) => name === "h_bucket 3")?.[2]).toBe(1);
  });

  it("keeps exponential histograms as native ones, each count in its own bucket", async () => {
    const value = fc.oneof(fc.double({ min: 0, max: 1e6, noNaN: true }), fc.constantFrom(0, 1, 2, 4, 0.5, 1024));
    await fc.assert(
      fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 40 }), async (values) => {
        const collectedOne = await exponentialHistogramOf(values);
        // The official SDK records nothing below zero; other sources do.
        const given = { ...collectedOne, negative: collectedOne.positive };
        const [family] = await protobuf(collected([exponentialHistogram({ name: "h" }, [[{}, given]])]));
        const [native] = messagesOf(family!.metrics[0]!.fields, 7);
        if (given.scale < -4) return expect(native!.get(5)).toBeUndefined();
        const schema = signed(numberOf(native!, 5) ?? 0);
        expect(schema).toBe(Math.min(given.scale, 8));
        expect(numberOf(native!, 7)).toBe(given.zeroCount);
        const factor = 2 ** (given.scale - schema);
        // Prometheus numbers a bucket by its end, OpenTelemetry by its begin.
        expect(countsOf(native!, 12, 13)).toEqual(expected(given.positive, factor));
        expect(countsOf(native!, 9, 10)).toEqual(expected(given.negative, factor));
      }),
      { numRuns: 200 },
    );
  });

  it("carries exemplars and when each series began", async () => {
    const exemplar = {
      value: 3,
      timestamp: [1_700_000_000, 500_000_000],
      traceId: "a".repeat(32),
      spanId: "b".repeat(16),
    };
    const metrics = [counter({ name: "c" }, [[{}, 5]]), histogram({ name: "h" }, [[{}, recorded([1, 10], [3])]])];
    for (const one of metrics) Object.assign(one.dataPoints[0]!, { exemplars: [exemplar] });
    const families = await protobuf(collected(metrics));
    const [total] = messagesOf(families[0]!.metrics[0]!.fields, 3);
    const [buckets] = messagesOf(families[1]!.metrics[0]!.fields, 7);
    const inBuckets = messagesOf(buckets!, 3).map((bucket) => messagesOf(bucket, 3).length);
    expect(inBuckets).toEqual([0, 1, 0]);
    for (const found of [messagesOf(total!, 2)[0]!, messagesOf(messagesOf(buckets!, 3)[1]!, 3)[0]!]) {
      expect(labelsOf(messagesOf(found, 1))).toEqual({ trace_id: "a".repeat(32), span_id: "b".repeat(16) });
      expect([
        numberOf(found, 2),
        numberOf(messagesOf(found, 3)[0]!, 1),
        numberOf(messagesOf(found, 3)[0]!, 2),
      ]).toEqual([3, 1_700_000_000, 500_000_000]);
    }
    expect(numberOf(messagesOf(total!, 3)[0]!, 1)).toBe(1_700_000_000);
    expect(numberOf(messagesOf(buckets!, 15)[0]!, 1)).toBe(1_700_000_000);
  });
});

/** Count by index, of buckets that are not empty. */
function countsOf(native: Fields, spanField: number, deltaField: number): Record<number, number> {
  const counts: Record<number, number> = {};
  const deltas = (native.get(deltaField) ?? []).map((value) => signed(value as number));
  let index = 0;
  let count = 0;
  for (const span of messagesOf(native, spanField)) {
    index += signed(numberOf(span, 1) ?? 0);
    for (let place = 0; place < (numberOf(span, 2) ?? 0); place++) {
      count += deltas.shift() ?? Number.NaN;
      if (count !== 0) counts[index] = count;
      index++;
    }
  }
  expect(deltas).toEqual([]);
  return counts;
}

function expected({ offset, bucketCounts }: ExponentialHistogram["positive"], factor: number): Record<number, number> {
  const counts: Record<number, number> = {};
  bucketCounts.forEach((count, place) => {
    const index = Math.floor((offset + place) / factor) + 1;
    if (count > 0) counts[index] = (counts[index] ?? 0) + count;
  });
  return counts;
}
