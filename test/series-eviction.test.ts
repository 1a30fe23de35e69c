import * as core from "@meterbridge/core";
import { context, metrics, type HrTime } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { MeterProvider } from "@meterbridge/sdk-metrics";
import { MetricReader } from "@opentelemetry/sdk-metrics";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

const seriesLimit = 100;
const meters = [
  "checkpoint.created",
  "llm.requests",
  "gen_ai.client.inference.usage.input_tokens",
  "gen_ai.client.token.usage",
];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  core.configure({ seriesLimit });
});

afterEach(() => {
  vi.useRealTimers();
  metrics.disable();
  context.disable();
});

test("tenants come and go for a week: new ones keep their names, series stay bounded, and what a backend adds up is exact", async () => {
  const reader = new PullReader({ cardinalitySelector: () => seriesLimit });
  const provider = new MeterProvider({ readers: [reader] });
  metrics.setGlobalMeterProvider(provider);
  const backend = createBackend();

  let recorded = 0;
  let named = 0;
  for (let hour = 0; hour < 7 * 24; hour++) {
    for (let tenant = 0; tenant < 40; tenant++) {
      // One in four comes every hour, the others one time in their life.
      const name = tenant % 4 === 0 ? `regular-${tenant}` : `hour-${hour}-${tenant}`;
      core.withAttribution({ tenant: name }, () => {
        core.checkpoint.created();
        core.llm.record({ provider: "openai", model: "gpt-4o", inputTokens: 1, outputTokens: 0 });
      });
      recorded++;
    }
    vi.setSystemTime(Date.now() + 3600_000);
    const { resourceMetrics } = await reader.collect();
    const shown = backend.take(resourceMetrics.scopeMetrics.flatMap(({ metrics: all }) => all));
    for (const meter of meters) {
      expect(backend.total(meter), `${meter} in hour ${hour}`).toBe(recorded);
      expect(shown.get(meter)!.length, `${meter} in hour ${hour}`).toBeLessThanOrEqual(seriesLimit);
    }
    if (shown.get("checkpoint.created")!.includes(`hour-${hour}-1`)) named++;
  }
  // Once the first stale ones are let go, every hour has room for its own.
  expect(named).toBeGreaterThan(7 * 24 - 5);
  await provider.shutdown();
});

type Metrics = Awaited<ReturnType<MetricReader["collect"]>>["resourceMetrics"]["scopeMetrics"][number]["metrics"];

/** Adds up as Prometheus does: what a series grew by, and all of it after a reset, seen by an earlier value or a later start. */
function createBackend() {
  const last = new Map<string, { value: number; startTime: HrTime }>();
  const totals = new Map<string, number>();
  return {
    total: (meter: string) => totals.get(meter),
    /** The tenants shown, by meter. */
    take(collected: Metrics): Map<string, unknown[]> {
      const shown = new Map<string, unknown[]>();
      for (const { descriptor, dataPoints } of collected) {
        shown.set(
          descriptor.name,
          dataPoints.map(({ attributes }) => attributes["tenant"]),
        );
        for (const { attributes, value, startTime } of dataPoints) {
          const number = typeof value === "number" ? value : (value.sum ?? 0);
          const key = `${descriptor.name} ${JSON.stringify(attributes)}`;
          const before = last.get(key);
          const isReset =
            before !== undefined && (number < before.value || String(startTime) !== String(before.startTime));
          const grown = before === undefined || isReset ? number : number - before.value;
          last.set(key, { value: number, startTime });
          totals.set(descriptor.name, (totals.get(descriptor.name) ?? 0) + grown);
        }
      }
      return shown;
    },
  };
}

class PullReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}
