import type { Circumstances, Loop } from "./record-loops.ts";
import { makeLoop, tenantNames } from "./record-loops.ts";
import { boundaries, manualReader, olderSdk, type MeterSdk } from "./record-peers.ts";
import type { Peer } from "./report.ts";

/** What one model call is to a peer: the loop that records calls, and how many updates it has made so far where it can tell. */
export interface EventRecording {
  readonly loop: Loop;
  /** Updates per call, and the sum of all updates counted by the library itself. */
  updates?(): Promise<{ readonly perCall: number; readonly made: number }>;
}

/**
 * The updates that `llm.record()` makes for a priced chat call with both generations of the conventions (the default): the same number is
 * written out for every peer, as an application without us would write it.
 */
const counters = ["input", "output", "requests", "cost"];
const histograms = [
  "inference",
  "operation",
  "operation-input",
  "operation-output",
  "usage-input",
  "usage-output",
  "request-cost",
];
export const updatesPerCall: number = counters.length + histograms.length;

/** What goes with a call: a price, no price, or a price and a sink that takes the usage event. */
export const eventKinds = ["priced", "without-price-book", "with-sink"] as const;
export type EventKind = (typeof eventKinds)[number];

export async function openEvent(peer: Peer, kind: EventKind): Promise<EventRecording | undefined> {
  if (peer !== "meterbridge" && kind !== "priced") return undefined;
  switch (peer) {
    case "meterbridge":
      return await ours(kind);
    case "otel-3":
      return await official(await import("@opentelemetry/sdk-metrics"));
    case "otel-2":
      return await official(olderSdk());
    case "prom-client":
      return await prom(await import("prom-client"));
    case "platformatic":
      return await prom((await import("@platformatic/prom-client")) as unknown as typeof import("prom-client"));
    default:
      return undefined;
  }
}

const circumstances: Circumstances = { kind: "counter", attributes: 4, series: 100, calls: "fresh" };

/** `llm.record()` inside an attribution, with a price, into our provider; the attribution changes every 64 calls. */
async function ours(kind: EventKind): Promise<EventRecording> {
  const [{ context, metrics }, { AsyncLocalStorageContextManager }, { MeterProvider }, core] = await Promise.all([
    import("@opentelemetry/api"),
    import("@opentelemetry/context-async-hooks"),
    import("@meterbridge/sdk-metrics"),
    import("@meterbridge/core"),
  ]);
  const reader = manualReader();
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  if (kind !== "without-price-book") core.configure({ priceBook: { name: "benchmark", price: () => 1_000_000n } });
  let events = 0;
  if (kind === "with-sink") core.addUsageSink({ write: () => void events++ });
  const tenants = tenantNames(100);
  const record = (count: number): void => {
    for (let n = 0; n < count; n++) {
      core.llm.record({ provider: "openai", model: "gpt-5-mini", inputTokens: 1200, outputTokens: 80, duration: 0.7 });
    }
  };
  let turn = 0;
  return {
    loop(count) {
      for (let left = count; left > 0; left -= 64) {
        const tenant = tenants[turn++ % tenants.length];
        core.withAttribution({ tenant }, () => record(Math.min(64, left)));
      }
    },
    updates: async () => ({ perCall: 1, made: events || (await sumOf(reader, "llm.requests")) }),
  };
}

async function official({ MeterProvider }: MeterSdk): Promise<EventRecording> {
  const reader = manualReader();
  const meter = new MeterProvider({ readers: [reader] }).getMeter("benchmark");
  const advice = { explicitBucketBoundaries: [...boundaries] };
  const instruments = {
    counters: counters.map((name) => meter.createCounter(name)),
    histograms: histograms.map((name) => meter.createHistogram(name, { advice })),
  };
  const call = [
    ...counters.map((_, index) => `i.counters[${index}].add(3, ATTRIBUTES)`),
    ...histograms.map((_, index) => `i.histograms[${index}].record(0.7, ATTRIBUTES)`),
  ].join("; ");
  return {
    loop: makeLoop(call, instruments, circumstances),
    updates: async () => ({ perCall: 3, made: await sumOf(reader, "requests") }),
  };
}

async function prom(client: typeof import("prom-client")): Promise<EventRecording> {
  const settings = { help: "recorded", labelNames: ["tenant", "provider", "model", "status"], registers: [] };
  const instruments = {
    counters: counters.map((name) => new client.Counter({ ...settings, name })),
    histograms: histograms.map(
      (name) => new client.Histogram({ ...settings, name: name.replaceAll("-", "_"), buckets: [...boundaries] }),
    ),
  };
  const call = [
    ...counters.map((_, index) => `i.counters[${index}].inc(ATTRIBUTES, 3)`),
    ...histograms.map((_, index) => `i.histograms[${index}].observe(ATTRIBUTES, 0.7)`),
  ].join("; ");
  return {
    loop: makeLoop(call, instruments, circumstances),
    async updates() {
      const { values } = await instruments.counters[0]!.get();
      return { perCall: 3, made: values.reduce((sum, { value }) => sum + value, 0) };
    },
  };
}

async function sumOf(reader: ReturnType<typeof manualReader>, name: string): Promise<number> {
  const { resourceMetrics } = await reader.collect();
  const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
  const points = metrics.find(({ descriptor }) => descriptor.name === name)?.dataPoints ?? [];
  return points.reduce((sum, { value }) => sum + (value as number), 0);
}
