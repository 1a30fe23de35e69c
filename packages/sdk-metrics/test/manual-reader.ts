import {
  type AggregationOption,
  AggregationTemporality,
  type AggregationTemporalitySelector,
  AggregationType,
  type CollectionResult,
  type InstrumentType,
  MetricReader,
} from "@opentelemetry/sdk-metrics";

export interface ManualReaderOptions {
  readonly temporality?: AggregationTemporalitySelector;
  readonly aggregation?: (type: InstrumentType) => AggregationOption;
  readonly limit?: number;
}

/** A standard reader that collects when it is asked. */
export class ManualReader extends MetricReader {
  constructor({ temporality, aggregation, limit }: ManualReaderOptions = {}) {
    super({
      aggregationTemporalitySelector: temporality ?? (() => AggregationTemporality.CUMULATIVE),
      aggregationSelector: aggregation ?? (() => ({ type: AggregationType.DEFAULT })),
      ...(limit === undefined ? {} : { cardinalitySelector: () => limit }),
    });
  }

  /** A collection in which nothing went wrong, as {@link ShownMetric}s. */
  async shown(): Promise<ShownMetric[]> {
    const result = await this.collect();
    if (result.errors.length > 0) throw new AggregateError(result.errors, "the collection had errors");
    return shownMetrics(result);
  }

  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }

  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
}

export const delta: AggregationTemporalitySelector = () => AggregationTemporality.DELTA;

/** What a reader is shown of a metric, without times, in an order that does not matter to it. */
export interface ShownMetric {
  readonly scope: string;
  readonly name: string;
  readonly rest: object;
  readonly points: { readonly attributes: object; readonly value: unknown }[];
}

export function shownMetrics({ resourceMetrics }: CollectionResult): ShownMetric[] {
  return resourceMetrics.scopeMetrics
    .flatMap(({ scope, metrics }) =>
      metrics.map(({ descriptor, dataPoints, ...rest }) => ({
        scope: JSON.stringify([scope.name, scope.version, scope.schemaUrl]),
        name: descriptor.name,
        rest: { ...rest, descriptor },
        points: dataPoints
          .map(({ attributes, value }) => ({ attributes, value }))
          .toSorted((one, other) => compare(keyOf(one.attributes), keyOf(other.attributes))),
      })),
    )
    .toSorted((one, other) =>
      compare(one.scope + one.name + keyOf(one.rest), other.scope + other.name + keyOf(other.rest)),
    );
}

/** The points of a metric as pairs of attributes and value. */
export function pointsOf(metrics: readonly ShownMetric[], name: string): unknown[] {
  return metrics
    .filter((metric) => metric.name === name)
    .flatMap(({ points }) => points.map((each) => [each.attributes, each.value]));
}

function keyOf(object: object): string {
  return JSON.stringify(Object.entries(object).toSorted(([one], [other]) => compare(one, other)));
}

function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
