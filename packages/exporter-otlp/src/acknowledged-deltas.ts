import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type MetricData,
  type ResourceMetrics,
} from "@opentelemetry/sdk-metrics";
import type { HrTime } from "@opentelemetry/api";
import { type Cumulated, goesOn, subtract } from "./subtract-points.ts";

/**
 * Deltas since what the backend has acknowledged, made from cumulative metrics. An export that did not arrive is no loss: its
 * increments are in the next one, however long the backend was away.
 */
export interface AcknowledgedDeltas {
  /** The same metrics, in which monotonic sums and histograms tell what came on top. Series with nothing new are left out. */
  take(metrics: ResourceMetrics): ResourceMetrics;
  /** The backend took these metrics, or this part of them, from `take()`. */
  acknowledge(part: ResourceMetrics): void;
}

/** @param onForgotten is told how many points could not be kept for a backend that is away for long. */
export function createAcknowledgedDeltas(onForgotten: (points: number) => void): AcknowledgedDeltas {
  const known = new Map<string, KnownMetric>();
  let generation = 0;

  function takeMetric(scope: Scope, metric: MetricData): MetricData {
    if (!isCumulated(metric)) return metric;
    const key = JSON.stringify([scope.name, scope.version, metric.descriptor.name, metric.dataPointType]);
    let state = known.get(key);
    if (state === undefined) known.set(key, (state = { scope, metric, series: new Map(), ended: new Set() }));
    state.scope = scope;
    state.metric = metric;
    for (const point of metric.dataPoints as readonly DataPoint<Cumulated>[]) see(state, point);
    return withPoints(metric, deltasOf(state));
  }

  function see(state: KnownMetric, point: DataPoint<Cumulated>): void {
    const series = state.series.get(point.attributes);
    if (series === undefined || !goesOn(point, series.latest)) {
      if (series !== undefined) end(state, series);
      state.series.set(point.attributes, {
        latest: point,
        acknowledged: undefined,
        since: point.startTime,
        generation,
      });
    } else {
      series.latest = point;
      series.generation = generation;
    }
  }

  /** A series that is no more is kept until the backend has all of it. */
  function end(state: KnownMetric, series: KnownSeries): void {
    if (subtract(series.latest.value, series.acknowledged) === undefined) return;
    if (state.ended.size < mostEnded) state.ended.add(series);
    else onForgotten(1);
  }

  function deltasOf(state: KnownMetric): Delta[] {
    for (const [attributes, series] of state.series) {
      if (series.generation === generation) continue;
      state.series.delete(attributes);
      end(state, series);
    }
    const deltas: Delta[] = [];
    for (const series of [...state.ended, ...state.series.values()]) {
      const value = subtract(series.latest.value, series.acknowledged);
      if (value !== undefined)
        deltas.push({ ...series.latest, startTime: series.since, value, series, upTo: series.latest });
    }
    return deltas;
  }

  return {
    take({ resource, scopeMetrics }) {
      generation++;
      const seen = new Set<MetricData>();
      const taken = scopeMetrics.map(({ scope, metrics }) => ({
        scope,
        metrics: metrics.map((metric) => {
          seen.add(metric);
          return takeMetric(scope, metric);
        }),
      }));
      // Metrics of which no series is left, but something that was not taken yet.
      for (const [key, state] of known) {
        if (seen.has(state.metric)) continue;
        const deltas = deltasOf(state);
        if (deltas.length === 0) known.delete(key);
        else taken.push({ scope: state.scope, metrics: [withPoints(state.metric, deltas)] });
      }
      return { resource, scopeMetrics: taken.map(withoutEmpty).filter(({ metrics }) => metrics.length > 0) };
    },
    acknowledge({ scopeMetrics }) {
      for (const { metrics } of scopeMetrics) {
        for (const metric of metrics) for (const point of metric.dataPoints) if (isDelta(point)) settle(point);
      }
      for (const { ended } of known.values()) {
        for (const series of ended) {
          if (subtract(series.latest.value, series.acknowledged) === undefined) ended.delete(series);
        }
      }
    },
  };
}

/** Of one metric: what a long outage may keep of series that have come and gone meanwhile. */
const mostEnded = 10_000;

type Scope = ResourceMetrics["scopeMetrics"][number]["scope"];

interface KnownMetric {
  scope: Scope;
  metric: MetricData;
  /** By their attribute objects, which the SDK keeps as long as the series. */
  readonly series: Map<object, KnownSeries>;
  readonly ended: Set<KnownSeries>;
}

interface KnownSeries {
  latest: DataPoint<Cumulated>;
  /** What the backend had when it took the last export with this series in it. */
  acknowledged: Cumulated | undefined;
  /** When that was. */
  since: HrTime;
  generation: number;
}

/** A point that is sent, and what is acknowledged with it. */
interface Delta extends DataPoint<Cumulated> {
  readonly series: KnownSeries;
  readonly upTo: DataPoint<Cumulated>;
}

function isDelta(point: DataPoint<unknown>): point is Delta {
  return "upTo" in point;
}

function settle({ series, upTo }: Delta): void {
  series.acknowledged = upTo.value;
  series.since = upTo.endTime;
}

function isCumulated(metric: MetricData): boolean {
  if (metric.dataPointType === DataPointType.GAUGE) return false;
  if (metric.aggregationTemporality !== AggregationTemporality.CUMULATIVE) return false;
  return metric.dataPointType !== DataPointType.SUM || metric.isMonotonic;
}

function withPoints(metric: MetricData, dataPoints: readonly Delta[]): MetricData {
  // Each kind of metric gets points of its own kind, which TypeScript does not see.
  return { ...metric, aggregationTemporality: AggregationTemporality.DELTA, dataPoints } as object as MetricData;
}

function withoutEmpty({
  scope,
  metrics,
}: ResourceMetrics["scopeMetrics"][number]): ResourceMetrics["scopeMetrics"][number] {
  return { scope, metrics: metrics.filter(({ dataPoints }) => dataPoints.length > 0) };
}
