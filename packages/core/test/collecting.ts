import { context, diag, DiagLogLevel, metrics, propagation, trace, type Attributes } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { DataPointType, MeterProvider, MetricReader, type MetricData } from "@opentelemetry/sdk-metrics";
import { onTestFinished } from "vitest";
import type { CoreOptions } from "../src/configuration.ts";
import { createCore, type Core } from "../src/core.ts";

/** One series of a collection. `value` is a sum or gauge, or a histogram's sum; `count` is a histogram's count, else 1. */
export interface Point {
  readonly attributes: Attributes;
  readonly value: number;
  readonly count: number;
}

/** What a cumulative reader, such as a scrape, sees. */
export interface Collection {
  readonly names: readonly string[];
  metric(name: string): MetricData | undefined;
  /** The series of a meter that carry at least these attributes. */
  points(name: string, attributes?: Attributes): readonly Point[];
  /** Their values added up. */
  total(name: string, attributes?: Attributes): number;
  /** Their recordings added up: how often a histogram was recorded into. */
  count(name: string, attributes?: Attributes): number;
}

export interface Collector {
  readonly provider: MeterProvider;
  collect(): Promise<Collection>;
}

/** A core of its own, recording into the official SDK until the test ends. */
export function startCore(options: CoreOptions = {}): Collector & { readonly core: Core } {
  useContextManager();
  const collector = registerProvider();
  const core = createCore();
  core.configure(options);
  return { core, ...collector };
}

/** Makes a meter provider of the official SDK the process's, until the test ends. */
export function registerProvider(properties: object = {}): Collector {
  const reader = new PullReader();
  const provider = Object.assign(new MeterProvider({ readers: [reader] }), properties);
  metrics.disable();
  metrics.setGlobalMeterProvider(provider);
  cleanUpAfterTest();
  return { provider, collect: async () => read(await reader.collect()) };
}

/** Has attribution follow asynchronous work, until the test ends. */
export function useContextManager(): void {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  cleanUpAfterTest();
}

/** What is told on `diag` from now on, until the test ends. */
export function listenToDiag(): string[] {
  const told: string[] = [];
  const tell = (message: string): void => void told.push(message);
  const nothing = (): void => {};
  diag.setLogger(
    { error: tell, warn: tell, info: nothing, debug: nothing, verbose: nothing },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  onTestFinished(() => diag.disable());
  return told;
}

class PullReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

function cleanUpAfterTest(): void {
  onTestFinished(() => {
    metrics.disable();
    context.disable();
    propagation.disable();
    trace.disable();
  });
}

function read({ resourceMetrics, errors }: Awaited<ReturnType<MetricReader["collect"]>>): Collection {
  if (errors.length > 0) throw new Error("a collection failed", { cause: errors });
  const all = resourceMetrics.scopeMetrics.flatMap(({ metrics: found }) => found);
  const metric = (name: string): MetricData | undefined => all.find(({ descriptor }) => descriptor.name === name);
  const points = (name: string, attributes: Attributes = {}): Point[] =>
    pointsOf(metric(name)).filter((point) =>
      Object.entries(attributes).every(([key, value]) => point.attributes[key] === value),
    );
  return {
    names: all.map(({ descriptor }) => descriptor.name),
    metric,
    points,
    total: (name, attributes) => points(name, attributes).reduce((sum, { value }) => sum + value, 0),
    count: (name, attributes) => points(name, attributes).reduce((sum, { count }) => sum + count, 0),
  };
}

function pointsOf(metric: MetricData | undefined): Point[] {
  if (metric === undefined) return [];
  if (
    metric.dataPointType === DataPointType.HISTOGRAM ||
    metric.dataPointType === DataPointType.EXPONENTIAL_HISTOGRAM
  ) {
    return metric.dataPoints.map(({ attributes, value }) => ({
      attributes,
      value: value.sum ?? 0,
      count: value.count,
    }));
  }
  return metric.dataPoints.map(({ attributes, value }) => ({ attributes, value, count: 1 }));
}
