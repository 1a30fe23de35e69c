import type { Attributes } from "@opentelemetry/api";
import type { MetricReader } from "@opentelemetry/sdk-metrics";

type ScopeMetrics = Awaited<ReturnType<MetricReader["collect"]>>["resourceMetrics"]["scopeMetrics"];

interface Histogram {
  readonly count: number;
  readonly sum: number;
  readonly zeroCount?: number;
  readonly buckets?: { readonly boundaries: readonly number[]; readonly counts: readonly number[] };
}

export interface Total {
  readonly name: string;
  readonly attributes: Attributes;
  sum: number;
  count: number | undefined;
  boundaries: readonly number[] | undefined;
  counts: number[] | undefined;
}

export interface Backend {
  readonly totals: ReadonlyMap<string, Total>;
  take(scopes: ScopeMetrics): void;
}

/** Adds up what it is given as a backend does: deltas always, cumulative series where they began anew. */
export function createBackend(isDelta: boolean): Backend {
  const totals = new Map<string, Total>();
  const latest = new Map<string, { readonly begin: number; readonly value: number | Histogram }>();

  function add(total: Total, value: number | Histogram, sign: number): void {
    if (typeof value === "number") {
      total.sum += sign * value;
      return;
    }
    total.sum += sign * value.sum;
    total.count = (total.count ?? 0) + sign * value.count;
    if (value.buckets === undefined) return;
    total.boundaries = value.buckets.boundaries;
    const before = total.counts ?? value.buckets.counts.map(() => 0);
    total.counts = value.buckets.counts.map((count, at) => before[at]! + sign * count);
  }

  return {
    totals,
    take(scopes: ScopeMetrics) {
      for (const { descriptor, dataPoints } of scopes.flatMap((scope) => scope.metrics)) {
        if (!/^(app\.)?llm\.|^gen_ai\.|^money$/.test(descriptor.name)) continue;
        for (const { attributes, startTime, value: given } of dataPoints) {
          const value = given as number | Histogram;
          const key = keyOf(descriptor.name, attributes);
          let total = totals.get(key);
          if (total === undefined) {
            const none = { count: undefined, boundaries: undefined, counts: undefined };
            totals.set(key, (total = { name: descriptor.name, attributes, sum: 0, ...none }));
          }
          const begin = startTime[0] * 1e9 + startTime[1];
          const before = latest.get(key);
          if (!isDelta && before !== undefined && before.begin === begin) add(total, before.value, -1);
          add(total, value, 1);
          latest.set(key, { begin, value });
        }
      }
    },
  };
}

/** The same for the same attributes in any order. */
export function keyOf(name: string, attributes: Attributes): string {
  const keys = Object.keys(attributes).toSorted((one, other) => (one < other ? -1 : 1));
  return JSON.stringify([name, keys.map((key) => [key, attributes[key]])]);
}
