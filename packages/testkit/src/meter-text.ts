import type { Attributes } from "@opentelemetry/api";
import type { TestMeter, TestSeries } from "./recorded-meter.ts";

export interface MeterTextOptions {
  /** Only meters whose names match. Default all. */
  readonly names?: RegExp;
  /** Whether the sums of histograms are shown. False for durations, which are others each time. Default true. */
  readonly sums?: boolean;
}

/** Sorted text in the manner of Prometheus, with the names as they are recorded. */
export function meterText(meters: readonly TestMeter[], { names, sums = true }: MeterTextOptions = {}): string {
  return meters
    .filter(({ name }) => names === undefined || name.search(names) >= 0)
    .flatMap((meter) => [
      `# ${meter.name} ${meter.kind}${meter.unit === "" ? "" : ` ${meter.unit}`}\n`,
      ...meter.series.flatMap((series) => linesOf(meter, series, sums)),
    ])
    .join("");
}

function linesOf({ name, kind }: TestMeter, { attributes, value, values }: TestSeries, sums: boolean): string[] {
  const labels = labelText(attributes);
  if (kind !== "histogram") return [`${name}${labels} ${value}\n`];
  const count = `${name}_count${labels} ${values.length}\n`;
  return sums ? [count, `${name}_sum${labels} ${value}\n`] : [count];
}

function labelText(attributes: Attributes): string {
  const pairs = Object.entries(attributes).map(([key, value]) => `${key}=${JSON.stringify(String(value))}`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}
