import type { HrTime } from "@opentelemetry/api";

/** Milliseconds since 1970 as the official SDK writes times. */
export function toHrTime(millis: number): HrTime {
  return [Math.trunc(millis / 1000), Math.round((millis % 1000) * 1e6)];
}
