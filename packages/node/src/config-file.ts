import { parseConfigFile } from "./config-file-parse.ts";
import { placeOf, type Reads, unread } from "./config-file-place.ts";
import { readPropagators } from "./config-file-propagators.ts";
import { type FileReading, readReaders } from "./config-file-readers.ts";
import { readDetection, readResourceAttributes } from "./config-file-resource.ts";
import type { FileSettings } from "./config-file-settings.ts";
import { readLimits, readProcessors, readSampler, readSpanLimits } from "./config-file-signals.ts";
import { adviceFor } from "./config-file-unsupported.ts";
import { readViews } from "./config-file-views.ts";
import type { LogLevel } from "./environment-variables.ts";
import { splitList } from "./parse-lists.ts";

/**
 * What a file of OpenTelemetry's declarative configuration (schema 1.0 and 1.1) says. `isSet` tells whether a variable of Meterbridge's is
 * set, which wins over the file.
 *
 * @throws Error of one line that names the file and the place, when it cannot be read, is not valid, or asks for an exporter that does not exist.
 */
export function readConfigFile(file: string, isSet: (variable: string) => boolean): FileSettings {
  const { content, warnings } = parseConfigFile(file);
  const settings = translateConfigFile(file, content, isSet);
  const told = warnings.map((warning) => (warning.startsWith(file) ? warning : `${file}: ${warning}`));
  return { ...settings, warnings: [...told, ...settings.warnings] };
}

/** The translation alone, of content that follows the schema. */
export function translateConfigFile(
  file: string,
  content: Readonly<Record<string, unknown>>,
  isSet: (variable: string) => boolean,
): FileSettings {
  const warnings: string[] = [];
  const note = (path: string, what: string): void => void warnings.push(`${file}: ${path} ${what}`);
  const wrong = (path: string, what: string): Error =>
    new Error(`[meterbridge] OTEL_CONFIG_FILE, ${file}: ${path} ${what}`);
  const reading: FileReading = { file, wrong, note, isSet };
  const reads: Reads = new Map();
  const root = placeOf(content, "", reads);
  // Every file has it, and the parser has looked at it.
  root.value("file_format");
  const resource = root.at("resource");
  const meters = root.at("meter_provider");
  const spans = root.at("tracer_provider");
  const logs = root.at("logger_provider");
  const instrumentation = root.at("instrumentation/development");
  const general = instrumentation.at("general");
  const optIn = general.text("stability_opt_in_list");
  const found = {
    file,
    disabled: root.flag("disabled") ?? false,
    logLevel: logLevelOf(root.text("log_level")),
    resourceAttributes: readResourceAttributes(resource, wrong),
    detects: readDetection(resource, reading),
    exporters: readReaders(meters, reading),
    views: readViews(meters, wrong),
    exemplarFilter: meters.choice("exemplar_filter", exemplarFilters),
    propagators: readPropagators(root, note),
    spans: readProcessors(spans, "traces", reading),
    spanLimits: readSpanLimits(root, spans),
    sampler: readSampler(spans, reading),
    logs: readProcessors(logs, "logs", reading),
    logLimits: readLimits(root, logs),
    semconvOptIn: optIn === undefined ? undefined : splitList(optIn),
  };
  // A file may be shared by programs in several languages.
  for (const language of instrumentation.keys)
    if (!["general", "js"].includes(language)) instrumentation.value(language);
  // The generator of ids is random in any case.
  spans.at("id_generator").at("random");
  for (const path of unread(content, "", reads)) note(path, adviceFor(path));
  return { ...found, warnings };
}

const exemplarFilters = ["always_on", "always_off", "trace_based"] as const;

const logLevels = ["debug", "info", "warn"] as const;

/** The schema has the severities of log records, `info` to `info4`. */
function logLevelOf(severity: string | undefined): LogLevel | undefined {
  if (severity === undefined) return undefined;
  const level = severity.replace(/\d$/, "");
  if (level === "trace") return "verbose";
  // What is fatal is an error to us.
  return logLevels.find((each) => each === level) ?? "error";
}
