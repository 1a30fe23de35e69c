import { DataPointType, type ResourceMetrics } from "@opentelemetry/sdk-metrics";

/** What `/health` answers, as JSON. */
export interface Health extends MetricCounts {
  /** `degraded` while collections fail or observable callbacks throw. The application itself is not judged. */
  readonly status: "healthy" | "degraded";
  /** False before the exporter is started and after it is shut down. */
  readonly enabled: boolean;
  /** The prefix of the application's own meters, or `""`. */
  readonly namespace: string;
  /** How many bytes of rendered labels are kept for the next scrape: at most `labelCacheBytes`. */
  readonly keptLabelBytes: number;
  /** When metrics were last handed out, as ISO 8601 in UTC. */
  readonly lastScrape?: string;
  /** What is wrong at present, without the details, which go to the diagnostics log. */
  readonly lastError?: string;
}

/** How many metrics with data there are by kind, and how many series they have together. */
export interface MetricCounts {
  readonly counters: number;
  /** Up-down counters count as gauges. */
  readonly gauges: number;
  readonly histograms: number;
  readonly series: number;
}

/** Counts the metrics of a collection. */
export function countMetrics(resourceMetrics: ResourceMetrics): MetricCounts {
  let counters = 0;
  let gauges = 0;
  let histograms = 0;
  let series = 0;
  for (const { metrics } of resourceMetrics.scopeMetrics) {
    for (const metric of metrics) {
      series += metric.dataPoints.length;
      switch (metric.dataPointType) {
        case DataPointType.SUM:
          if (metric.isMonotonic) counters++;
          else gauges++;
          break;
        case DataPointType.GAUGE:
          gauges++;
          break;
        default:
          histograms++;
      }
    }
  }
  return { counters, gauges, histograms, series };
}
