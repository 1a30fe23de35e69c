import type { Exporter } from "@meterbridge/exporter";
import type { FileExporter, FileSettings } from "./config-file-settings.ts";
import type { Environment } from "./environment.ts";
import type { Settings } from "./settings.ts";
import type { StartOptions } from "./start-options.ts";

/** Where the meters go: exporters of the options, of the environment, of the configuration file, or Prometheus. */
export function exporterSettings(
  options: StartOptions,
  environment: Environment,
  file: FileSettings | undefined,
): Pick<Settings, "exporters" | "exportersFrom"> {
  const inFile = fileExporters(options, environment, file);
  // A name that the file has, too, keeps what the file says of it.
  const chosen = (entry: Exporter | string): readonly (Exporter | FileExporter | string)[] => {
    const found = inFile.filter((each) => each.exporterName === entry);
    return found.length > 0 ? found : [entry];
  };
  if (options.exporters) return { exporters: options.exporters.flatMap(chosen), exportersFrom: `option "exporters"` };
  for (const name of ["METERBRIDGE_EXPORTERS", "OTEL_METRICS_EXPORTER"] as const) {
    const exporters = environment[name];
    if (exporters) return { exporters: exporters.flatMap(chosen), exportersFrom: name };
  }
  if (file) return { exporters: inFile, exportersFrom: `OTEL_CONFIG_FILE, ${file.file}` };
  // Pull by default: it sends nothing anywhere, and a browser shows that it works.
  return { exporters: ["prometheus"], exportersFrom: "the default" };
}

/** A limit of Meterbridge's own wins over those of the file. */
function fileExporters(
  options: StartOptions,
  environment: Environment,
  file: FileSettings | undefined,
): readonly FileExporter[] {
  const exporters = file?.exporters ?? [];
  if ((options.seriesLimit ?? environment.METERBRIDGE_SERIES_LIMIT) === undefined) return exporters;
  return exporters.map((each) => ({ ...each, reader: { ...each.reader, limitDefault: undefined, limits: {} } }));
}

/** As many series as the reader with most of them takes; OpenTelemetry's default is ours. */
export function seriesLimitOf(file: FileSettings | undefined): number | undefined {
  if (file === undefined || file.exporters.length === 0) return undefined;
  const limits = file.exporters.flatMap(({ reader }) => [
    reader.limitDefault ?? 2000,
    ...Object.values(reader.limits ?? {}),
  ]);
  return Math.min(Math.max(2, ...limits), 1_000_000);
}
