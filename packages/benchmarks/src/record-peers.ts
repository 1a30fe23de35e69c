import { createRequire } from "node:module";
import path from "node:path";
import type { Attributes, MeterProvider } from "@opentelemetry/api";
import * as OfficialSdk from "@opentelemetry/sdk-metrics";
import { attributesOf, tenantNames, type CallText, type Circumstances } from "./record-loops.ts";
import type { Peer } from "./report.ts";

/** An instrument of one library, ready to be called. */
export interface Recording {
  /** What is `i` in the call's text. */
  readonly instrument: unknown;
  readonly call: CallText;
  /** The sum of all that was recorded into it, where that can be known: what was optimised away would be missing. */
  sum?(): Promise<number>;
  /** Frees sockets. */
  close?(): Promise<void> | void;
}

export interface RecordPeer {
  readonly peer: Peer;
  /** The package whose version the report names; none for floors. */
  readonly package?: string;
  /** Beside what it cannot do. */
  readonly note?: string;
  /** Undefined where it has nothing like it. */
  open(circumstances: Circumstances): Promise<Recording | undefined>;
}

/** Boundaries of a histogram of seconds: 15, as in all peers. */
export const boundaries: readonly number[] = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84,
];

export const recordPeers: readonly RecordPeer[] = [
  {
    peer: "meterbridge",
    package: "@meterbridge/sdk-metrics",
    open: async (circumstances) => otelRecording(await import("@meterbridge/sdk-metrics"), circumstances),
  },
  {
    peer: "otel-3",
    package: "@opentelemetry/sdk-metrics",
    open: (circumstances) => Promise.resolve(otelRecording(OfficialSdk, circumstances)),
  },
  {
    peer: "otel-2",
    open: (circumstances) => Promise.resolve(otelRecording(olderSdk(), circumstances)),
  },
  {
    peer: "prom-client",
    package: "prom-client",
    open: async (circumstances) => promRecording(await import("prom-client"), circumstances),
  },
  {
    peer: "platformatic",
    package: "@platformatic/prom-client",
    open: async (circumstances) =>
      promRecording((await import("@platformatic/prom-client")) as unknown as PromClient, circumstances),
  },
  { peer: "dd-trace", package: "dd-trace", note: "aggregates, sends every 10 s by UDP", open: ddTraceRecording },
  { peer: "hot-shots", package: "hot-shots", note: "buffers 8 kB, sends by UDP", open: hotShotsRecording },
  { peer: "floor-noop", note: "the API without an SDK", open: noopRecording },
  {
    peer: "floor-nested-map",
    note: "values in a fixed order, no attribute objects",
    open: (circumstances) => Promise.resolve(nestedMapRecording(circumstances)),
  },
  { peer: "floor-add", note: "x += 1", open: (circumstances) => Promise.resolve(addRecording(circumstances)) },
];

/** What the three meter providers have in common. */
export interface MeterSdk {
  readonly MeterProvider: new (options: { readers: OfficialSdk.IMetricReader[] }) => Pick<MeterProvider, "getMeter">;
}

/** The reader that both generations and ours take: it collects when asked. */
export function manualReader(): OfficialSdk.IMetricReader & { producer: OfficialSdk.MetricProducer | undefined } {
  return {
    producer: undefined,
    setMetricProducer(producer) {
      this.producer = producer;
    },
    selectAggregation: () => ({ type: OfficialSdk.AggregationType.DEFAULT }),
    selectAggregationTemporality: () => OfficialSdk.AggregationTemporality.CUMULATIVE,
    selectCardinalityLimit: () => 1_000_000,
    async collect(options) {
      if (this.producer === undefined) throw new Error("the reader has no meter provider");
      return await this.producer.collect(options);
    },
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
}

export function olderSdk(): MeterSdk {
  const manifest = path.join(import.meta.dirname, "../../../test/otel-2/package.json");
  return createRequire(manifest)("@opentelemetry/sdk-metrics") as MeterSdk;
}

function otelRecording({ MeterProvider }: MeterSdk, circumstances: Circumstances): Recording | undefined {
  const reader = manualReader();
  const meter = new MeterProvider({ readers: [reader] }).getMeter("benchmark");
  const isCounter = circumstances.kind === "counter";
  const instrument = isCounter
    ? meter.createCounter("recorded")
    : meter.createHistogram("recorded", { advice: { explicitBucketBoundaries: [...boundaries] } });
  const sum = async (): Promise<number> => {
    const { resourceMetrics } = await reader.collect();
    const points = resourceMetrics.scopeMetrics[0]?.metrics[0]?.dataPoints ?? [];
    return points.reduce((total, { value }) => total + (typeof value === "number" ? value : value.count), 0);
  };
  if (circumstances.calls !== "bound") {
    return { instrument, sum, call: isCounter ? "i.add(1, ATTRIBUTES)" : "i.record(0.7, ATTRIBUTES)" };
  }
  if (!canBind(instrument)) return undefined;
  const [attributes] = tenantNames(1).map((tenant) => attributesOf(tenant, circumstances.attributes));
  return { instrument: instrument.bind(attributes!), sum, call: isCounter ? "i.add(1)" : "i.record(0.7)" };
}

function canBind(instrument: object): instrument is { bind(attributes: Attributes): unknown } {
  return "bind" in instrument && typeof instrument.bind === "function";
}

type PromClient = typeof import("prom-client");

async function promRecording(client: PromClient, circumstances: Circumstances): Promise<Recording | undefined> {
  const [attributes] = tenantNames(1).map((tenant) => attributesOf(tenant, circumstances.attributes));
  const settings = { name: "recorded", help: "recorded", labelNames: Object.keys(attributes!), registers: [] };
  const isCounter = circumstances.kind === "counter";
  const instrument = isCounter
    ? new client.Counter(settings)
    : new client.Histogram({ ...settings, buckets: [...boundaries] });
  const sum = async (): Promise<number> => {
    const { values } = (await instrument.get()) as { values: { value: number; metricName?: string }[] };
    const counted = values.filter(({ metricName }) => isCounter || metricName === "recorded_count");
    return counted.reduce((total, { value }) => total + value, 0);
  };
  if (circumstances.calls === "bound") {
    return { instrument: instrument.labels(attributes!), sum, call: isCounter ? "i.inc(1)" : "i.observe(0.7)" };
  }
  return { instrument, sum, call: isCounter ? "i.inc(ATTRIBUTES, 1)" : "i.observe(ATTRIBUTES, 0.7)" };
}

async function ddTraceRecording({ kind, calls }: Circumstances): Promise<Recording | undefined> {
  if (calls === "bound") return undefined;
  const { default: tracer } = await import("dd-trace");
  tracer.init({ startupLogs: false, plugins: false, dogstatsd: { hostname: "127.0.0.1", port: closedPort } });
  const call =
    kind === "counter" ? 'i.increment("recorded", 1, ATTRIBUTES)' : 'i.histogram("recorded", 0.7, ATTRIBUTES)';
  return { instrument: tracer.dogstatsd, call };
}

async function hotShotsRecording({ kind, calls }: Circumstances): Promise<Recording | undefined> {
  if (calls === "bound") return undefined;
  const { default: StatsD } = await import("hot-shots");
  const client = new StatsD({ host: "127.0.0.1", port: closedPort, maxBufferSize: 8192, errorHandler: () => {} });
  const call =
    kind === "counter" ? 'i.increment("recorded", 1, ATTRIBUTES)' : 'i.histogram("recorded", 0.7, ATTRIBUTES)';
  return { instrument: client, call, close: () => new Promise((resolve) => client.close(() => resolve())) };
}

/** The discard port of loopback: what is sent there is nobody's. */
const closedPort = 9;

async function noopRecording({ kind, attributes, calls }: Circumstances): Promise<Recording> {
  const { createNoopMeter } = await import("@opentelemetry/api");
  const meter = createNoopMeter();
  const isCounter = kind === "counter";
  const given = calls === "bound" || attributes === 0 ? "" : ", ATTRIBUTES";
  const instrument = isCounter ? meter.createCounter("recorded") : meter.createHistogram("recorded");
  return { instrument, call: isCounter ? `i.add(1${given})` : `i.record(0.7${given})` };
}

function nestedMapRecording({ kind, attributes, calls }: Circumstances): Recording | undefined {
  if (calls !== "fresh" || attributes === 0) return undefined;
  const sums = new Float64Array(20_000);
  const counts = new Float64Array(20_000 * (boundaries.length + 1));
  const root = new Map<string, unknown>();
  let size = 0;
  const find = (values: readonly string[]): number => {
    let branch = root;
    for (const value of values.slice(0, -1)) {
      if (!branch.has(value)) branch.set(value, new Map());
      branch = branch.get(value) as Map<string, unknown>;
    }
    const last = values.at(-1)!;
    if (!branch.has(last)) branch.set(last, size++);
    return branch.get(last) as number;
  };
  type Branch = Map<string, unknown> | undefined;
  const slotOf =
    attributes === 2
      ? (a: string, b: string): number => ((root.get(a) as Branch)?.get(b) as number | undefined) ?? find([a, b])
      : (a: string, b: string, c: string, d: string): number =>
          ((((root.get(a) as Branch)?.get(b) as Branch)?.get(c) as Branch)?.get(d) as number | undefined) ??
          find([a, b, c, d]);
  const add = (slot: number): void => void (sums[slot]! += 1);
  const record = (slot: number): void => {
    sums[slot]! += 0.7;
    let bucket = 0;
    while (bucket < boundaries.length && boundaries[bucket]! < 0.7) bucket++;
    counts[slot * (boundaries.length + 1) + bucket]! += 1;
  };
  const total = (): number =>
    (kind === "counter" ? sums : counts).reduce((accumulated, value) => accumulated + value, 0);
  return {
    instrument: { slotOf, add: kind === "counter" ? add : record },
    call: "i.add(i.slotOf(VALUES))",
    sum: () => Promise.resolve(total()),
  };
}

function addRecording({ calls, attributes, series }: Circumstances): Recording | undefined {
  if (calls !== "fresh" || attributes !== 0 || series !== 1) return undefined;
  const state = { x: 0 };
  return { instrument: state, call: "i.x += 1", sum: () => Promise.resolve(state.x) };
}
