import type { Exporter } from "@meterbridge/exporter";
import { ConsoleMetricExporter, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";

/** Prints all meters to stdout every so often, for a first look. */
export function createConsoleExporter(intervalMillis: number): Exporter {
  return {
    specificationVersion: 1,
    name: "console",
    createReader: () =>
      new PeriodicExportingMetricReader({
        exporter: new ConsoleMetricExporter(),
        exportIntervalMillis: intervalMillis,
        exportTimeoutMillis: intervalMillis,
      }),
  };
}
