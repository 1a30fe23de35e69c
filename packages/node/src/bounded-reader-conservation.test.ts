import {
  AggregationType,
  type ExponentialHistogram,
  type Histogram,
  MeterProvider,
  type MetricData,
  MetricReader,
} from "@opentelemetry/sdk-metrics";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { attributesKey } from "./attributes-key.ts";
import { boundedReader } from "./bounded-reader.ts";

class ManualReader extends MetricReader {
  protected override async onShutdown(): Promise<void> {}
  protected override async onForceFlush(): Promise<void> {}
}

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: 1_700_000_000_000 }));
afterEach(() => void vi.useRealTimers());

/** Adds up what a backend sees that takes a new start time for a reset. Counts and sums of histograms are added together. */
function createBackend() {
  const last = new Map<string, { start: number; end: number; value: number }>();
  const totals = new Map<string, number>();
  return {
    totals,
    receive(metrics: readonly MetricData[]): void {
      for (const { descriptor, dataPoints } of metrics) {
        for (const point of dataPoints) {
          const key = `${descriptor.name} ${attributesKey(point.attributes)}`;
          const [start, end] = [milliseconds(point.startTime), milliseconds(point.endTime)];
          const value = weightOf(point.value);
          const before = last.get(key);
          const isContinued = before?.start === start;
          if (before !== undefined) {
            expect(end).toBeGreaterThan(before.end);
            if (!isContinued) expect(start).toBeGreaterThan(before.end);
          }
          expect(start).toBeLessThanOrEqual(end);
          const delta = value - (isContinued ? before.value : 0);
          expect(delta).toBeGreaterThanOrEqual(0);
          last.set(key, { start, end, value });
          totals.set(descriptor.name, (totals.get(descriptor.name) ?? 0) + delta);
        }
      }
    },
  };
}

function milliseconds([seconds, nanoseconds]: readonly [number, number]): number {
  return seconds * 1000 + nanoseconds / 1e6;
}

const countWeight = 1_000_000;

function weightOf(value: number | Histogram | ExponentialHistogram): number {
  return typeof value === "number" ? value : (value.sum ?? 0) + value.count * countWeight;
}

test("with more series than the limit, no metric exceeds it and a backend still counts every recorded value", async () => {
  const tenant = fc.integer({ min: 0, max: 30 });
  const value = fc.integer({ min: 0, max: 1000 });
  const instrument = fc.constantFrom("counter", "histogram", "histogram.exponential");
  const steps = fc.array(
    fc.oneof(
      { weight: 5, arbitrary: fc.record({ instrument, tenant, value }) },
      { weight: 1, arbitrary: fc.constant("collect" as const) },
    ),
    { minLength: 20, maxLength: 300 },
  );
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 2, max: 12 }), steps, async (seriesLimit, operations) => {
      const reader = new ManualReader();
      const provider = new MeterProvider({
        readers: [boundedReader(reader, { seriesLimit })],
        views: [
          {
            instrumentName: "histogram.exponential",
            aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM },
            aggregationCardinalityLimit: seriesLimit,
          },
        ],
      });
      const meter = provider.getMeter("shop");
      const backend = createBackend();
      const recorded = new Map<string, number>();
      let updated = new Map<string, Set<number>>();
      for (const step of [...operations, "collect" as const]) {
        vi.advanceTimersByTime(1);
        if (step === "collect") {
          const metrics = (await reader.collect()).resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
          for (const { descriptor, dataPoints } of metrics) {
            expect(dataPoints.length).toBeLessThanOrEqual(seriesLimit);
            const tenants = updated.get(descriptor.name) ?? new Set();
            const shown = new Set(dataPoints.map(({ attributes: of }) => of["tenant"]));
            if (tenants.size < seriesLimit) expect([...tenants].filter((one) => !shown.has(one))).toEqual([]);
          }
          backend.receive(metrics);
          updated = new Map();
          continue;
        }
        const isCounter = step.instrument === "counter";
        if (isCounter) meter.createCounter(step.instrument).add(step.value, { tenant: step.tenant });
        else meter.createHistogram(step.instrument).record(step.value, { tenant: step.tenant });
        const weight = isCounter ? step.value : step.value + countWeight;
        recorded.set(step.instrument, (recorded.get(step.instrument) ?? 0) + weight);
        updated.set(step.instrument, (updated.get(step.instrument) ?? new Set()).add(step.tenant));
      }
      expect(backend.totals).toEqual(recorded);
    }),
    { numRuns: 300 },
  );
});
