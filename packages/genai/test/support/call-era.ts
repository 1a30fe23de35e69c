import { MeterProvider } from "@meterbridge/sdk-metrics";
import type { Attributes, MeterProvider as ApiProvider } from "@opentelemetry/api";
import {
  AggregationTemporality,
  AggregationType,
  createAllowListAttributesProcessor,
  MeterProvider as OfficialMeterProvider,
  MetricReader,
  type ViewOptions,
} from "@opentelemetry/sdk-metrics";
import { expect } from "vitest";
import { type Backend, createBackend, keyOf } from "./adding-backend.ts";
import type { Expected } from "./expected-sums.ts";

/** Providers that model calls are recorded into. */
export const kinds = ["ours", "viewed", "narrow", "only binds", "official"] as const;
export type Kind = (typeof kinds)[number];

const onlyOperation = createAllowListAttributesProcessor(["operation"]);
const views: ViewOptions[] = [
  { instrumentName: "llm.requests", attributesProcessors: [onlyOperation] },
  { instrumentName: "llm.cost", name: "money" },
  { instrumentName: "llm.request.cost", aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } },
  {
    instrumentName: "gen_ai.client.inference.duration",
    aggregation: { type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM, options: { boundaries: [] } },
  },
  { instrumentName: "llm.context.size", aggregation: { type: AggregationType.DROP } },
  { instrumentName: "gen_ai.client.token.usage", aggregation: { type: AggregationType.SUM } },
];

/** What became of a meter by these views, and of its attributes. */
function viewed(name: string, attributes: Attributes): { name: string; attributes: Attributes } | undefined {
  if (name === "llm.context.size") return undefined;
  if (name === "llm.cost") return { name: "money", attributes };
  if (name !== "llm.requests") return { name, attributes };
  const { operation } = attributes;
  return { name, attributes: operation === undefined ? {} : { operation } };
}

/** A provider with what its readers were shown, and what they have to be shown. */
export interface Era {
  readonly kind: Kind;
  readonly provider: ApiProvider;
  readonly expected: ReadonlyMap<string, { readonly name: string; readonly attributes: Attributes; values: number[] }>;
  expect(expected: Expected): void;
  readonly readers: readonly { readonly reader: PullReader; readonly backend: Backend }[];
  collect(at: number): Promise<void>;
  collectAll(): Promise<void>;
}

export function createEra(kind: Kind): Era {
  const limit = kind === "narrow" ? 12 : 100_000;
  const readers = [AggregationTemporality.CUMULATIVE, AggregationTemporality.DELTA].map((temporality) => {
    const reader = new PullReader({
      cardinalitySelector: () => limit,
      aggregationTemporalitySelector: () => temporality,
    });
    return { reader, backend: createBackend(temporality === AggregationTemporality.DELTA) };
  });
  const options = { readers: readers.map(({ reader }) => reader), views: kind === "viewed" ? views : [] };
  const made = kind === "official" ? new OfficialMeterProvider(options) : new MeterProvider(options);
  const expected = new Map<string, { readonly name: string; readonly attributes: Attributes; values: number[] }>();
  const collect = async (at: number): Promise<void> => {
    const { reader, backend } = readers[at]!;
    const { resourceMetrics, errors } = await reader.collect();
    expect(errors).toEqual([]);
    backend.take(resourceMetrics.scopeMetrics);
  };
  return {
    kind,
    provider: kind === "only binds" ? withoutCombine(made) : made,
    expected,
    expect({ name, attributes, value }: Expected) {
      const kept = kind === "viewed" ? viewed(name, attributes) : { name, attributes };
      if (kept === undefined) return;
      const key = keyOf(kept.name, kept.attributes);
      let series = expected.get(key);
      if (series === undefined) expected.set(key, (series = { ...kept, values: [] }));
      series.values.push(value);
    },
    readers,
    collect,
    async collectAll() {
      for (const at of readers.keys()) await collect(at);
    },
  };
}

function withoutCombine(provider: ApiProvider): ApiProvider {
  return {
    getMeter: (...given) =>
      new Proxy(provider.getMeter(...given), {
        has: (meter, key) => key !== "combine" && key in meter,
      }),
  };
}

/** Fails where a reader was shown anything but the sums that were worked out by hand; under a limit of series only their totals are known. */
export function checkSums(era: Era, isCoarse: boolean, backend: ReturnType<typeof createBackend>): void {
  const names = new Set([...era.expected.values()].map(({ name }) => name));
  for (const name of names) {
    const values = [...era.expected.values()].flatMap((series) => (series.name === name ? series.values : []));
    const shown = [...backend.totals.values()].filter((total) => total.name === name);
    expect([name, sumOf(shown.map(({ sum }) => sum))]).toEqual([name, sumOf(values)]);
    if (shown[0]?.count !== undefined)
      expect([name, sumOf(shown.map(({ count }) => count!))]).toEqual([name, values.length]);
    for (const { counts, count } of shown) if (counts !== undefined) expect(sumOf(counts)).toBe(count);
  }
  for (const total of backend.totals.values()) {
    const isExact = !Object.values(total.attributes).some((value) => value === "other" || value === true);
    if (isCoarse && !isExact) continue;
    const values = era.expected.get(keyOf(total.name, total.attributes))?.values;
    expect(values, keyOf(total.name, total.attributes)).toBeDefined();
    if (isCoarse) {
      expect(total.sum).toBeLessThanOrEqual(sumOf(values!));
      continue;
    }
    expect([total.name, total.attributes, total.sum]).toEqual([total.name, total.attributes, sumOf(values!)]);
    if (total.counts === undefined) continue;
    const counts = total.counts.map(() => 0);
    for (const value of values!) {
      const found = total.boundaries!.findIndex((boundary) => value <= boundary);
      counts[found < 0 ? counts.length - 1 : found]!++;
    }
    expect([total.name, total.counts]).toEqual([total.name, counts]);
  }
  if (!isCoarse) expect(new Set(backend.totals.keys())).toEqual(new Set(era.expected.keys()));
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

class PullReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}
