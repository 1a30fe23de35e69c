import type { Meter } from "@opentelemetry/api";

/** Counts what did not arrive, in meters of the application's own provider: nothing is lost in silence. */
export interface FailureCounts {
  /** `meterbridge.exporter.failures`: one export that was not delivered. */
  failed(): void;
  /** `meterbridge.exporter.points.dropped`: data points that stayed behind, by reason. */
  dropped(points: number, reason: "non_finite" | "rejected" | "outage"): void;
}

/**
 * The instruments are made when something is counted, which is seldom: a provider registered after this call, or instead
 * of an earlier one, is found too.
 */
export function createFailureCounts(exporter: string, getMeter: () => Meter): FailureCounts {
  return {
    failed() {
      getMeter()
        .createCounter("meterbridge.exporter.failures", {
          unit: "{export}",
          description: "Exports that were not delivered",
        })
        .add(1, { exporter });
    },
    dropped(points, reason) {
      getMeter()
        .createCounter("meterbridge.exporter.points.dropped", {
          unit: "{data_point}",
          description: "Data points that an export had to leave out, or that the backend rejected",
        })
        .add(points, { exporter, reason });
    },
  };
}
