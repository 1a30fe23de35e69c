import type { MeterProvider as ApiMeterProvider } from "@opentelemetry/api";
import type { DataPoint } from "@opentelemetry/sdk-metrics";
import { type IMetricReader, MeterProvider as OfficialMeterProvider } from "@opentelemetry/sdk-metrics";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { MeterProvider } from "../src/index.ts";
import { delta, ManualReader } from "./manual-reader.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: 1_800_000_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

type Provider = new (options: { readers: IMetricReader[] }) => ApiMeterProvider;

/** Which sets are observed at each collection, with which values. */
type Rounds = readonly ReadonlyMap<number, number>[];

/** What a backend adds up: deltas, or the increases of each cumulative series since its begin. */
async function addedUp(Made: Provider, rounds: Rounds, limit: number, isDelta: boolean): Promise<number> {
  const reader = new ManualReader(isDelta ? { limit, temporality: delta } : { limit });
  let observed: ReadonlyMap<number, number> = new Map();
  new Made({ readers: [reader] })
    .getMeter("meter")
    .createObservableCounter("bytes")
    .addCallback((result) => {
      for (const [disk, value] of observed) result.observe(value, { disk });
    });
  const before = new Map<string, { readonly start: string; readonly value: number }>();
  let total = 0;
  for (observed of rounds) {
    vi.advanceTimersByTime(1000);
    const { resourceMetrics } = await reader.collect();
    const points = (resourceMetrics.scopeMetrics[0]?.metrics[0]?.dataPoints ?? []) as DataPoint<number>[];
    expect(points.length).toBeLessThanOrEqual(limit);
    for (const { attributes, startTime, value } of points) {
      const key = JSON.stringify(attributes);
      const start = String(startTime);
      const last = before.get(key);
      total += !isDelta && last?.start === start ? value - last.value : value;
      before.set(key, { start, value });
    }
  }
  return total;
}

/** Each set's increases; one that falls began anew. */
function happened(rounds: Rounds): number {
  const last = new Map<number, number>();
  let total = 0;
  for (const round of rounds) {
    for (const [disk, value] of round) {
      const before = last.get(disk) ?? 0;
      total += value < before ? value : value - before;
      last.set(disk, value);
    }
  }
  return total;
}

test("observed counters beyond the limit that pause by turns add up to what happened, not to a multiple of it", async () => {
  const rounds = Array.from(
    { length: 4 },
    (_, round) =>
      new Map(
        Array.from({ length: 8 }, (_each, disk) => [disk, (round + 1) * (disk + 1) * 10] as const).filter(
          ([disk]) => (disk + round) % 3 > 0,
        ),
      ),
  );
  const told = happened(rounds);
  expect(await addedUp(MeterProvider, rounds, 4, true)).toBe(told);
  expect(await addedUp(MeterProvider, rounds, 4, false)).toBe(told);
  expect(await addedUp(OfficialMeterProvider, rounds, 4, true)).not.toBe(told);
});

const numRuns = Number(process.env["METERBRIDGE_PROPERTY_RUNS"] ?? 1000);
const timeout = 60_000 + numRuns * 20;

test(
  "whatever observed counters come, pause, fall and come back, each reader arrives at the exact sum",
  { timeout },
  async () => {
    const round = fc.array(fc.tuple(fc.nat(9), fc.nat(20), fc.boolean()), { maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(round, { maxLength: 12 }),
        fc.integer({ min: 2, max: 8 }),
        fc.boolean(),
        async (steps, limit, isDelta) => {
          const values = new Map<number, number>();
          const rounds = steps.map(
            (step) =>
              new Map(
                step.map(([disk, growth, restarts]) => {
                  const value = (restarts && growth === 7 ? 0 : (values.get(disk) ?? 0)) + growth;
                  values.set(disk, value);
                  return [disk, value] as const;
                }),
              ),
          );
          expect(await addedUp(MeterProvider, rounds, limit, isDelta)).toBe(happened(rounds));
        },
      ),
      { numRuns },
    );
  },
);
