import fc from "fast-check";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { AggregationType } from "@opentelemetry/sdk-metrics";
import { diag, DiagLogLevel, ValueType } from "@opentelemetry/api";
import { type BoundCounter, type BoundRecorder, MeterProvider } from "../src/index.ts";
import { delta, ManualReader, pointsOf, type ShownMetric } from "./manual-reader.ts";

afterEach(() => {
  vi.useRealTimers();
});

function start(limit = 2000) {
  const readers = [new ManualReader({ limit }), new ManualReader({ limit, temporality: delta })];
  const views = [
    { instrumentName: "viewed", aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } as const },
    { instrumentName: "twice", name: "twice" },
    { instrumentName: "twice", description: "again", attributesProcessors: [{ process: () => ({}) }] },
    { instrumentName: "dropped", aggregation: { type: AggregationType.DROP } as const },
  ];
  const meter = new MeterProvider({ readers, views }).getMeter("meter");
  const advice = { explicitBucketBoundaries: [0, 1, 2, 5, 100] };
  const makers: ((tenant: number) => BoundCounter | BoundRecorder)[] = [
    (tenant) => meter.createCounter("counter").bind({ tenant }),
    (tenant) => meter.createUpDownCounter("balance").bind({ tenant }),
    (tenant) => meter.createGauge("gauge").bind({ tenant }),
    (tenant) => meter.createHistogram("histogram").bind({ tenant }),
    (tenant) => meter.createHistogram("like it", { advice }).bind({ tenant }),
    (tenant) => meter.createHistogram("like it too", { advice }).bind({ tenant }),
    (tenant) => meter.createHistogram("viewed").bind({ tenant }),
    (tenant) => meter.createHistogram("twice", { advice }).bind({ tenant }),
    (tenant) => meter.createCounter("dropped").bind({ tenant }),
    (tenant) => meter.createCounter("whole", { valueType: ValueType.INT }).bind({ tenant }),
  ];
  return { meter, readers, makers };
}

function recordInto(series: BoundCounter | BoundRecorder, value: number): void {
  if ("add" in series) series.add(value);
  else series.record(value);
}

const value = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -8, max: 1600 }).map((eighths) => eighths / 8) },
  { weight: 2, arbitrary: fc.constant(NaN) },
  { weight: 1, arbitrary: fc.constantFrom(0, -0, 5e-324, Infinity, -Infinity, 1e300) },
);
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ event: fc.nat(3), values: fc.array(value, { minLength: 4, maxLength: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ reader: fc.nat(1) }) },
);
const member = fc.record({ maker: fc.nat(9), tenant: fc.nat(5), position: fc.nat(3) });

const numRuns = Number(process.env["METERBRIDGE_PROPERTY_RUNS"] ?? 1000);
const timeout = 60_000 + numRuns * 20;

test(
  "whatever series are combined and whatever their values, readers are shown what recording one by one shows them",
  { timeout },
  async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: 1_800_000_000_000 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(member, { maxLength: 12 }), { minLength: 4, maxLength: 4 }),
        fc.array(step, { maxLength: 40 }),
        fc.constantFrom(3, 2000),
        async (events, steps, limit) => {
          const together = start(limit);
          const apart = start(limit);
          const bind = ({ makers }: typeof together) =>
            events.map((members) => members.map((each) => ({ ...each, series: makers[each.maker]!(each.tenant) })));
          const combined = bind(together).map((members) => together.meter.combine(members));
          const single = bind(apart);
          const shown: unknown[][] = [[], []];
          // At the limit it matters which of two refusals comes first.
          const isCompared = ({ name }: ShownMetric): boolean => limit > 3 || name !== "meterbridge.values.refused";
          for (const each of steps) {
            if ("reader" in each) {
              shown[0]!.push((await together.readers[each.reader]!.shown()).filter(isCompared));
              shown[1]!.push((await apart.readers[each.reader]!.shown()).filter(isCompared));
              continue;
            }
            combined[each.event]!(Float64Array.from(each.values));
            // So it does with series.
            const inOrder = single[each.event]!.toSorted((one, other) => one.position - other.position);
            for (const { series, position } of inOrder) {
              const given = each.values[position]!;
              if (!Number.isNaN(given)) recordInto(series, given);
            }
          }
          expect(shown[0]).toEqual(shown[1]);
        },
      ),
      { numRuns },
    );
  },
);

test("a combined series that was forgotten for want of room records again, beginning from zero", async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: 1_800_000_000_000 });
  const reader = new ManualReader({ limit: 3 });
  const meter = new MeterProvider({ readers: [reader] }).getMeter("meter");
  const counter = meter.createCounter("requests");
  const record = meter.combine([{ series: counter.bind({ tenant: "a" }), position: 0 }]);
  record(Float64Array.of(5));
  await reader.shown();
  vi.advanceTimersByTime(600_000);
  await reader.shown();
  counter.add(1, { tenant: "b" });
  counter.add(1, { tenant: "c" });
  expect(pointsOf(await reader.shown(), "requests")).not.toContainEqual([{ tenant: "a" }, 5]);
  vi.advanceTimersByTime(600_000);
  await reader.shown();
  record(Float64Array.of(2));
  expect(pointsOf(await reader.shown(), "requests")).toContainEqual([{ tenant: "a" }, 2]);
});

test("after the provider was shut down a combination records nothing, and throws nothing", async () => {
  const provider = new MeterProvider({ readers: [] });
  await provider.shutdown();
  const meter = provider.getMeter("late");
  expect(() =>
    meter.combine([{ series: meter.createCounter("c").bind(), position: 0 }])(Float64Array.of(1)),
  ).not.toThrow();
});

test("a provider that was shut down says so once, however often it is asked for a meter", async () => {
  const told: string[] = [];
  const tell = (message: string): void => void told.push(message);
  const provider = new MeterProvider({ readers: [] });
  diag.setLogger({ error: tell, warn: tell, info: tell, debug: tell, verbose: tell }, { logLevel: DiagLogLevel.WARN });
  onTestFinished(() => diag.disable());
  await provider.shutdown();
  for (let time = 0; time < 3; time++) provider.getMeter("late").createCounter("requests").add(1);
  expect(told).toEqual([expect.stringContaining("is shut down")]);
});
