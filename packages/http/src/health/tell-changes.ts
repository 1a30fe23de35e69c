import { diag } from "@opentelemetry/api";
import type { HealthOptions } from "./health.ts";
import type { CheckResult, HealthStatus } from "./health-check.ts";

/** Tells the state of each dependency: each change once, on diag without the error, to the application with it. */
export function tellChanges(onChange: HealthOptions["onChange"]): (name: string, result: CheckResult) => void {
  const told = new Map<string, HealthStatus>();
  return (name, { report: { status, reason }, error }) => {
    if ((told.get(name) ?? "healthy") === status) return;
    told.set(name, status);
    harmlessly(() => {
      const state = status === "healthy" ? "is healthy again" : `is ${status} (${reason ?? "failed"})`;
      // At the level of the trouble: whoever was told of it has to hear that it is over.
      diag.warn(`[meterbridge] [http] health: ${name} ${state}`);
    });
    harmlessly(() => onChange?.({ name, status, error }));
  };
}

/** Neither a logger nor a listener may cost a probe its answer. */
function harmlessly(tell: () => void): void {
  try {
    tell();
  } catch {
    // Told nowhere: what it would be told to is what failed.
  }
}
