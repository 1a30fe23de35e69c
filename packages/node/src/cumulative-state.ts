import type { HrTime } from "@opentelemetry/api";
import type { MetricData, ScopeMetrics } from "@opentelemetry/sdk-metrics";
import { cumulativeMetric, type CumulativeMetric } from "./cumulative-metric.ts";

/** Cumulative values of many metrics, fed with deltas. */
export interface CumulativeState {
  /**
   * Adds the deltas among these metrics and returns what a cumulative reader is to see: every series kept, updated or
   * not, and the other metrics as they came. Later updates do not change what was returned.
   */
  update(scopeMetrics: readonly ScopeMetrics[], endTime: HrTime): ScopeMetrics[];
}

/** An empty state. `accumulates` tells the deltas to add up from the metrics that pass through. */
export function cumulativeState(options: {
  readonly seriesLimit: number;
  readonly accumulates: (metric: MetricData) => boolean;
}): CumulativeState {
  const scopes = new Map<string, ScopeState>();

  function stateOf(scope: ScopeMetrics["scope"]): ScopeState {
    const key = JSON.stringify([scope.name, scope.version ?? "", scope.schemaUrl ?? ""]);
    const known = scopes.get(key);
    if (known !== undefined) return known;
    const state: ScopeState = { scope, metrics: new Map(), passedThrough: [] };
    scopes.set(key, state);
    return state;
  }

  function addDeltas(state: ScopeState, deltas: MetricData): void {
    const key = metricKey(deltas);
    const known = state.metrics.get(key);
    if (known !== undefined) return known.add(deltas);
    const { seriesLimit } = options;
    state.metrics.set(key, cumulativeMetric(deltas, { seriesLimit, meterName: state.scope.name }));
  }

  return {
    update(scopeMetrics, endTime) {
      for (const { scope, metrics } of scopeMetrics) {
        const state = stateOf(scope);
        for (const metric of metrics) {
          if (options.accumulates(metric)) addDeltas(state, metric);
          else state.passedThrough.push(metric);
        }
      }
      return [...scopes.values()].map((state) => read(state, endTime)).filter(({ metrics }) => metrics.length > 0);
    },
  };
}

interface ScopeState {
  readonly scope: ScopeMetrics["scope"];
  readonly metrics: Map<string, CumulativeMetric>;
  passedThrough: MetricData[];
}

function read(state: ScopeState, endTime: HrTime): ScopeMetrics {
  const { scope, metrics, passedThrough } = state;
  state.passedThrough = [];
  return { scope, metrics: [...Array.from(metrics.values(), (metric) => metric.read(endTime)), ...passedThrough] };
}

/**
 * Two instruments may share a name (a view renames one into the other). Where they can be added up, they become one
 * metric; the kind of point and the bucket boundaries are part of the key because those cannot.
 */
function metricKey(metric: MetricData): string {
  const { name, unit, valueType } = metric.descriptor;
  const type = "type" in metric.descriptor ? metric.descriptor.type : undefined;
  const value = metric.dataPoints[0]?.value;
  const boundaries = typeof value === "object" && "buckets" in value ? value.buckets.boundaries : undefined;
  return JSON.stringify([name, type, unit, valueType, metric.dataPointType, boundaries]);
}
