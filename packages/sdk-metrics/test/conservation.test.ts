import type { HrTime } from "@opentelemetry/api";
import type { CollectionResult, DataPoint } from "@opentelemetry/sdk-metrics";
import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { MeterProvider } from "../src/index.ts";
import { delta, ManualReader } from "./manual-reader.ts";

afterEach(() => {
  vi.useRealTimers();
});

/** What a backend makes of what a reader is shown: sums of deltas, or of the increases of what is cumulative. */
interface Backend {
  readonly reader: ManualReader;
  total: number;
  /** What it should never have been shown. */
  readonly wrong: string[];
  collect(): Promise<void>;
}

function createBackend(isDelta: boolean, limit: number): Backend {
  let series = new Map<string, { readonly start: string; readonly value: number }>();
  const backend: Backend = {
    reader: new ManualReader(isDelta ? { temporality: delta, limit } : { limit }),
    total: 0,
    wrong: [],
    async collect() {
      const points = pointsIn(await backend.reader.collect());
      if (points.length > limit) backend.wrong.push(`${points.length} series`);
      const shown: typeof series = new Map();
      for (const { attributes, startTime, value } of points) {
        const key = JSON.stringify(attributes);
        const start = timeText(startTime);
        const before = isDelta ? undefined : series.get(key);
        if (shown.has(key)) backend.wrong.push(`${key} twice`);
        if (before !== undefined && start < before.start) backend.wrong.push(`${key} begins earlier`);
        const isSame = before?.start === start;
        if (isSame && value < before.value) backend.wrong.push(`${key} falls from ${before.value} to ${value}`);
        backend.total += isSame ? value - before.value : value;
        shown.set(key, { start, value });
      }
      series = shown;
    },
  };
  return backend;
}

function pointsIn({ resourceMetrics }: CollectionResult): DataPoint<number>[] {
  return resourceMetrics.scopeMetrics.flatMap(({ metrics }) =>
    metrics.flatMap(({ dataPoints }) => dataPoints as DataPoint<number>[]),
  );
}

function timeText([seconds, nanos]: HrTime): string {
  return `${String(seconds).padStart(12, "0")}.${String(nanos).padStart(9, "0")}`;
}

const tenant = fc.nat(7);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("add" as const), tenant }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("bound" as const), tenant }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("end" as const), tenant }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("collect" as const), reader: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("wait" as const), minutes: fc.nat(7) }) },
);

const numRuns = Number(process.env["METERBRIDGE_PROPERTY_RUNS"] ?? 1000);
const timeout = 60_000 + numRuns * 20;

test(
  "however series come, end, go stale and come back, each backend arrives at the exact sum",
  { timeout },
  async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: 1_800_000_000_000 });
    const backends = fc.array(fc.boolean(), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(
        backends,
        fc.integer({ min: 2, max: 6 }),
        fc.array(step, { maxLength: 80 }),
        async (deltas, limit, steps) => {
          const made = deltas.map((isDelta) => createBackend(isDelta, limit));
          const provider = new MeterProvider({ readers: made.map(({ reader }) => reader) });
          const counter = provider.getMeter("meter").createCounter("requests");
          const bound = new Map<number, ReturnType<typeof counter.bind>>();
          for (const backend of made) await backend.collect();
          let sum = 0;
          let minutes = 0;
          for (const each of steps) {
            // A reader that stays away for 20 minutes is not waited for.
            if (each.kind === "wait" && (minutes += each.minutes) >= 20) {
              for (const backend of made) await backend.collect();
              ({ minutes } = each);
            }
            vi.advanceTimersByTime(each.kind === "wait" ? each.minutes * 60_000 : 1);
            if (each.kind === "collect") await made[each.reader % made.length]!.collect();
            if (each.kind === "add") {
              counter.add(1, { tenant: each.tenant });
              sum++;
            }
            if (each.kind === "bound") {
              const series = bound.get(each.tenant) ?? counter.bind({ tenant: each.tenant });
              bound.set(each.tenant, series);
              series.add(1);
              sum++;
            }
            if (each.kind === "end") bound.get(each.tenant)?.end();
          }
          vi.advanceTimersByTime(1);
          for (const backend of made) await backend.collect();
          expect(made.map(({ total, wrong }) => ({ total, wrong }))).toEqual(
            made.map(() => ({ total: sum, wrong: [] })),
          );
        },
      ),
      { numRuns },
    );
  },
);
