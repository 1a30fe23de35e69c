import { appendFile } from "node:fs";
import type { Exporter } from "@meterbridge/exporter";
import { ExportResultCode } from "@opentelemetry/core";
import { PeriodicExportingMetricReader, type PushMetricExporter } from "@opentelemetry/sdk-metrics";

/** Appends every series to a file, a line of JSON each, once a minute. `METERS_FILE`, default `meters.jsonl`. */
export function file({ path = process.env["METERS_FILE"] || "meters.jsonl" }: { path?: string } = {}): Exporter {
  let isFailing = false;
  return {
    specificationVersion: 1,
    name: "file",
    target: path,
    isFailing: () => isFailing,
    createReader({ diag }) {
      const exporter: PushMetricExporter = {
        export({ scopeMetrics }, done) {
          const lines = scopeMetrics.flatMap(({ metrics }) =>
            metrics.flatMap(({ descriptor: { name, unit }, dataPoints }) =>
              dataPoints.map(({ attributes, value }) => `${JSON.stringify({ name, unit, attributes, value })}\n`),
            ),
          );
          appendFile(path, lines.join(""), (error) => {
            if (error !== null && !isFailing) diag.warn(`[file] meters cannot be written: ${error.message}`);
            isFailing = error !== null;
            done({ code: ExportResultCode.SUCCESS });
          });
        },
        forceFlush: () => Promise.resolve(),
        shutdown: () => Promise.resolve(),
      };
      return new PeriodicExportingMetricReader({ exporter, exportTimeoutMillis: 2000 });
    },
  };
}

export { file as createExporter };
