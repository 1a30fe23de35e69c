import type { Attributes } from "@opentelemetry/api";
import { DataPointType, type MetricData, type ScopeMetrics } from "@opentelemetry/sdk-metrics";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { InstanceMetric, InstancePoint } from "./instance-metrics.ts";
import { addHistograms } from "./merge-points.ts";
import type { AggregateOptions, GaugeRule } from "./prometheus-options.ts";

/** What one instance told, and who it is. */
export interface InstanceSnapshot {
  readonly instance: string;
  readonly metrics: readonly InstanceMetric[];
}

/** Adds up what instances told: the same series of the same metric is one. */
export interface Combination {
  /** Gives the event loop to others every few milliseconds. */
  combine(snapshots: readonly InstanceSnapshot[]): Promise<InstanceMetric[]>;
}

/**
 * Makes one. It remembers the attributes of series, as objects that stay the same from scrape to scrape, so that their labels
 * need not be rendered anew.
 */
export function createCombination({ gauges, gaugeRules }: Required<AggregateOptions>): Combination {
  let known = new Map<string, Attributes>();
  return {
    async combine(snapshots) {
      const used = new Map<string, Attributes>();
      const metrics = new Map<string, CombinedMetric>();
      let turnEnd = performance.now() + longestTurnMillis;
      for (const { instance, metrics: told } of snapshots) {
        for (const metric of told) {
          const key = keyOf(metric);
          const combined = metrics.get(key) ?? { metric, points: new Map<string, InstancePoint>() };
          metrics.set(key, combined);
          const rule = gaugeRules[metric.descriptor.name] ?? gauges;
          for (const point of metric.points) {
            addPoint(combined, named(point, metric, rule, instance), rule, known, used);
            if (performance.now() < turnEnd) continue;
            await nextTurn();
            turnEnd = performance.now() + longestTurnMillis;
          }
        }
      }
      known = used;
      return [...metrics.values()].map(({ metric, points }) => ({ ...metric, points: [...points.values()] }));
    },
  };
}

/** As a meter provider would have collected them. */
export function asScopeMetrics(metrics: readonly InstanceMetric[]): ScopeMetrics[] {
  interface Entry {
    readonly scope: ScopeMetrics["scope"];
    readonly metrics: MetricData[];
  }
  const scopes = new Map<string, Entry>();
  for (const { scope, descriptor, dataPointType, isMonotonic, points } of metrics) {
    const key = JSON.stringify([scope.name, scope.version]);
    const entry: Entry = scopes.get(key) ?? { scope, metrics: [] };
    scopes.set(key, entry);
    const data = { descriptor, dataPointType, isMonotonic, aggregationTemporality: 1, dataPoints: points };
    entry.metrics.push(data as unknown as MetricData);
  }
  return [...scopes.values()];
}

interface CombinedMetric {
  readonly metric: InstanceMetric;
  readonly points: Map<string, InstancePoint>;
}

const longestTurnMillis = 4;

function addPoint(
  { metric, points }: CombinedMetric,
  point: InstancePoint,
  rule: GaugeRule,
  known: ReadonlyMap<string, Attributes>,
  used: Map<string, Attributes>,
): void {
  const key = JSON.stringify(Object.entries(point.attributes).toSorted(byKey));
  const present = points.get(key);
  if (present !== undefined) {
    points.set(key, addPoints(metric, present, point, rule));
    return;
  }
  const attributes = used.get(key) ?? known.get(key) ?? Object.freeze({ ...point.attributes });
  used.set(key, attributes);
  points.set(key, { ...point, attributes });
}

function addPoints(metric: InstanceMetric, left: InstancePoint, right: InstancePoint, rule: GaugeRule): InstancePoint {
  const exemplars = [...(left.exemplars ?? []), ...(right.exemplars ?? [])];
  return {
    attributes: left.attributes,
    value: addValues(metric, left, right, rule),
    startTime: isBefore(left.startTime, right.startTime) ? left.startTime : right.startTime,
    endTime: isBefore(left.endTime, right.endTime) ? right.endTime : left.endTime,
    ...(exemplars.length === 0 ? {} : { exemplars }),
  };
}

function addValues(
  { dataPointType }: InstanceMetric,
  left: InstancePoint,
  right: InstancePoint,
  rule: GaugeRule,
): InstancePoint["value"] {
  if (typeof left.value === "number" && typeof right.value === "number") {
    if (dataPointType === DataPointType.SUM) return left.value + right.value;
    switch (rule) {
      case "max":
        return Math.max(left.value, right.value);
      case "min":
        return Math.min(left.value, right.value);
      case "last":
        return isBefore(left.endTime, right.endTime) ? right.value : left.value;
      default:
        return left.value + right.value;
    }
  }
  if (typeof left.value === "number" || typeof right.value === "number") return left.value;
  return addHistograms(left.value, right.value);
}

/** Under the rule `each` a gauge keeps who told it. */
function named(point: InstancePoint, metric: InstanceMetric, rule: GaugeRule, instance: string): InstancePoint {
  if (metric.dataPointType !== DataPointType.GAUGE || rule !== "each") return point;
  return { ...point, attributes: { ...point.attributes, instance_id: instance } };
}

function keyOf({ scope, descriptor, dataPointType, isMonotonic }: InstanceMetric): string {
  return JSON.stringify([scope.name, scope.version, descriptor.name, descriptor.unit, dataPointType, isMonotonic]);
}

function byKey([left]: [string, unknown], [right]: [string, unknown]): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

function isBefore(left: InstancePoint["startTime"], right: InstancePoint["startTime"]): boolean {
  return left[0] < right[0] || (left[0] === right[0] && left[1] < right[1]);
}
