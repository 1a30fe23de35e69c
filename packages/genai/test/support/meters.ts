import { addUsageSink, configure, type UsageEvent } from "@meterbridge/core";
import { MeterProvider } from "@meterbridge/sdk-metrics";
import { context, diag, DiagLogLevel, metrics, trace, type Attributes } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { DataPointType, MetricReader, type MetricData, type ResourceMetrics } from "@opentelemetry/sdk-metrics";
import { onTestFinished } from "vitest";
import { genaiPrices } from "../../src/prices/genai-prices.ts";

/** Everything that a run leaves behind. */
export interface Meters {
  /** Usage events, as the ledger gets them. */
  readonly events: readonly UsageEvent[];
  collect(): Promise<Collection>;
}

export interface Collection {
  readonly resourceMetrics: ResourceMetrics;
  /** The series of a meter that carry at least these attributes: a sum's value, or a histogram's sum and count. */
  points(name: string, attributes?: Attributes): readonly Point[];
  /** Their values added up. */
  total(name: string, attributes?: Attributes): number;
  /** Their recordings added up. */
  count(name: string, attributes?: Attributes): number;
}

export interface Point {
  readonly attributes: Attributes;
  readonly value: number;
  readonly count: number;
}

/** Records into a meter provider of ours, prices by the default book, and hears usage events, until the test ends. */
export function startMeters(): Meters {
  const reader = new PullReader();
  metrics.disable();
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  configure({ priceBook: genaiPrices() });
  const events: UsageEvent[] = [];
  const end = addUsageSink({ write: (event) => void events.push(event) });
  onTestFinished(() => {
    end();
    configure({ priceBook: null });
    metrics.disable();
    context.disable();
    trace.disable();
  });
  return {
    events,
    async collect() {
      const { resourceMetrics, errors } = await reader.collect();
      if (errors.length > 0) throw new AggregateError(errors, "a collection failed");
      return read(resourceMetrics);
    },
  };
}

class PullReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

function read(resourceMetrics: ResourceMetrics): Collection {
  // The AI SDK records a duration of its own, under the same name.
  const all = resourceMetrics.scopeMetrics
    .filter(({ scope }) => scope.name === "@meterbridge/core")
    .flatMap((scope) => scope.metrics);
  const points = (name: string, attributes: Attributes = {}): Point[] =>
    all
      .filter(({ descriptor }) => descriptor.name === name)
      .flatMap(pointsOf)
      .filter((point) => Object.entries(attributes).every(([key, value]) => point.attributes[key] === value));
  return {
    resourceMetrics,
    points,
    total: (name, attributes) => points(name, attributes).reduce((sum, { value }) => sum + value, 0),
    count: (name, attributes) => points(name, attributes).reduce((sum, { count }) => sum + count, 0),
  };
}

function pointsOf(metric: MetricData): Point[] {
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

/** What is told on `diag` from now on, until the test ends. */
export function listenToDiag(): string[] {
  const told: string[] = [];
  const tell = (message: string, ...rest: unknown[]): void => void told.push([message, ...rest].map(String).join(" "));
  diag.setLogger(
    { error: tell, warn: tell, info: tell, debug: tell, verbose: tell },
    { logLevel: DiagLogLevel.ALL, suppressOverrideMessage: true },
  );
  onTestFinished(() => diag.disable());
  return told;
}
