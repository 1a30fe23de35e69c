import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { UsageEvent } from "@meterbridge/core";
import { prometheus } from "@meterbridge/exporter-prometheus";
import type { MeterPoint, MeterReading, RunningSdk } from "@meterbridge/http";
import { createLedger, sqliteStore, usageQueries, type LedgerStore } from "@meterbridge/ledger";
import { diag, metrics } from "@opentelemetry/api";
import {
  AggregationTemporality,
  AggregationType,
  DataPointType,
  MeterProvider,
  type IMetricReader,
  type MetricData,
  type MetricProducer,
} from "@opentelemetry/sdk-metrics";

export interface TestSdk {
  /** Of the ledger, to break it. */
  readonly store: LedgerStore | undefined;
  stop(): Promise<void>;
}

export interface TestSdkOptions {
  /** What the ledger holds; left out: there is none. */
  readonly events?: readonly UsageEvent[];
  /** Where the ledger is kept, instead of SQLite in a directory of its own. */
  readonly store?: LedgerStore;
  /** The present of the ledger's queries. */
  readonly now?: Date;
  readonly withPrometheus?: boolean;
  /** Instead of what the ledger or the meters offer. */
  readonly instead?: Partial<RunningSdk>;
}

/**
 * Puts an SDK of real parts where `start()` would put its own: a meter provider that core records into, a Prometheus exporter,
 * a ledger in SQLite.
 */
export async function runSdk(options: TestSdkOptions = {}): Promise<TestSdk> {
  const directory = await mkdtemp(path.join(tmpdir(), "usage-api-"));
  const reading = readingReader();
  const exporter = options.withPrometheus === true ? prometheus({ server: false }) : undefined;
  const context = { resourceAttributes: {}, diag: diag.createComponentLogger({ namespace: "test" }), namespace: "" };
  const readers = exporter === undefined ? [reading] : [reading, exporter.createReader(context)];
  const provider = new MeterProvider({ readers });
  metrics.setGlobalMeterProvider(provider);

  const { events, now } = options;
  const file = path.join(directory, "usage.db");
  const store = events === undefined ? undefined : (options.store ?? sqliteStore({ file }));
  const ledger = store === undefined ? undefined : createLedger({ store });
  for (const event of events ?? []) ledger?.write(event);
  if (ledger !== undefined && !(await ledger.flush(20_000))) throw new Error("the events were not written");
  const queries =
    store === undefined
      ? undefined
      : Promise.resolve(usageQueries(store, now === undefined ? {} : { now: () => now.getTime() }));

  const sdk: RunningSdk = {
    status: "test",
    exporters: exporter === undefined ? [] : [exporter],
    collect: () => reading.readings(),
    usageQueries: () => queries,
    ledgerStatus: () => undefined,
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
    ...options.instead,
  };
  holder[key] = sdk;
  return {
    store,
    async stop() {
      if (holder[key] === sdk) holder[key] = undefined;
      metrics.disable();
      await provider.shutdown();
      await ledger?.close();
      await rm(directory, { recursive: true });
    },
  };
}

/** A usage event, by default a priced model call of tenant `acme` that succeeded. */
export function usageEvent(fields: Partial<UsageEvent> = {}): UsageEvent {
  return {
    eventId: randomUUID(),
    occurredAt: new Date(),
    kind: "llm_call",
    tenant: "acme",
    employee: "ada",
    project: "search",
    process: "answer",
    execution: "run-1",
    user: "user-1",
    provider: "openai",
    model: "gpt-5",
    responseModel: "gpt-5-2025-08-07",
    serviceTier: "default",
    name: null,
    inputTokens: 1200,
    outputTokens: 300,
    cacheReadTokens: 1000,
    cacheWriteTokens: 0,
    reasoningTokens: 100,
    costNanoUsd: 4_200_000n,
    costStatus: "priced",
    priceBook: "prices@1",
    inferenceMs: 1250,
    queueMs: 20,
    isSuccess: true,
    errorType: null,
    usageSource: "provider",
    attempts: 1,
    ...fields,
  };
}

/** A month of two tenants' work, the same at each call but for the ids. */
export function november(): readonly UsageEvent[] {
  return Array.from({ length: 20 }, (_none, index) => index + 1).flatMap((day) => eventsOfDay(day));
}

function eventsOfDay(day: number): readonly UsageEvent[] {
  const at = (hour: number, minute = 0): Date => new Date(Date.UTC(2026, 10, day, hour, minute));
  const noCall = {
    provider: null,
    model: null,
    responseModel: null,
    serviceTier: null,
    inputTokens: null,
    outputTokens: null,
    cacheReadTokens: null,
    cacheWriteTokens: null,
    reasoningTokens: null,
    costNanoUsd: null,
    costStatus: "none",
    priceBook: null,
  } as const;
  const isFailure = day % 5 === 0;
  return [
    usageEvent({ occurredAt: at(9), costNanoUsd: BigInt(day) * 1_000_001n, inputTokens: 100 * day }),
    usageEvent({
      occurredAt: at(14, 31),
      employee: "bob",
      project: "chat",
      provider: "anthropic",
      model: "claude-haiku-4-5",
      responseModel: "claude-haiku-4-5-20251001",
      serviceTier: "standard",
      inferenceMs: 100 * day,
      isSuccess: !isFailure,
      errorType: isFailure ? "timeout" : null,
    }),
    usageEvent({ ...noCall, occurredAt: at(9, 1), kind: "tool_call", name: "search", inferenceMs: 40 }),
    usageEvent({
      ...noCall,
      occurredAt: at(9, 2),
      kind: "task",
      name: "ticket",
      inferenceMs: 3000 + day,
      isSuccess: !isFailure,
    }),
    usageEvent({
      occurredAt: at(23, 45),
      tenant: "globex",
      employee: "carol",
      project: "vault",
      model: "gpt-5-mini",
      responseModel: null,
      costNanoUsd: day === 3 ? null : 7n,
      costStatus: day === 3 ? "unpriced" : "priced",
    }),
  ];
}

interface ReadingReader extends IMetricReader {
  readings(): Promise<readonly MeterReading[]>;
}

function readingReader(): ReadingReader {
  let producer: MetricProducer | undefined;
  const collect = async () => {
    if (producer === undefined) throw new Error("the meters are not running");
    return await producer.collect();
  };
  return {
    setMetricProducer: (given) => void (producer = given),
    selectAggregation: () => ({ type: AggregationType.DEFAULT }),
    selectAggregationTemporality: () => AggregationTemporality.CUMULATIVE,
    selectCardinalityLimit: () => 2000,
    collect,
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
    async readings() {
      const { resourceMetrics } = await collect();
      return resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics.map(readingOf));
    },
  };
}

function readingOf(metric: MetricData): MeterReading {
  const { name, unit, description } = metric.descriptor;
  const common = { name, unit, description };
  switch (metric.dataPointType) {
    case DataPointType.SUM:
      return { ...common, kind: metric.isMonotonic ? "counter" : "upDownCounter", points: plainPoints(metric) };
    case DataPointType.GAUGE:
      return { ...common, kind: "gauge", points: plainPoints(metric) };
    case DataPointType.HISTOGRAM:
      return {
        ...common,
        kind: "histogram",
        points: metric.dataPoints.map(({ attributes, value: { sum = 0, count, buckets } }) => ({
          attributes,
          value: sum,
          count,
          ...buckets,
        })),
      };
    case DataPointType.EXPONENTIAL_HISTOGRAM:
      throw new Error("no test makes exponential histograms");
  }
}

function plainPoints(metric: {
  readonly dataPoints: readonly { readonly attributes: MeterPoint["attributes"]; readonly value: number }[];
}): readonly MeterPoint[] {
  return metric.dataPoints.map(({ attributes, value }) => ({ attributes, value }));
}

const key: unique symbol = Symbol.for("meterbridge.sdk");
const holder = globalThis as { [key]?: RunningSdk | undefined };
