import { readOtlp, timeOf, type Wrong } from "./config-file-otlp.ts";
import type { Place } from "./config-file-place.ts";
import type { FileExporter, ReaderSettings } from "./config-file-settings.ts";
import { instrumentTypes } from "./config-file-views.ts";

/** What a translation needs to know beside the file's content. */
export interface FileReading {
  readonly file: string;
  readonly wrong: Wrong;
  /** Says that what stands there has no effect. */
  readonly note: (path: string, what: string) => void;
  /** Whether this variable is set: those of Meterbridge win over the file. */
  readonly isSet: (variable: string) => boolean;
}

/** The readers of `meter_provider`. */
export function readReaders(provider: Place, reading: FileReading): FileExporter[] {
  return provider.list("readers").map((reader) => {
    const [kind = "periodic"] = reader.keys;
    const place = reader.at(kind);
    const read = kind === "pull" ? readPull(place, reading) : readPeriodic(place, reading);
    return { ...read, from: `${reading.file}: ${place.path}`, reader: { ...readLimits(place), ...read.reader } };
  });
}

type Read = Pick<FileExporter, "exporterName" | "options" | "reader">;

function readPull(place: Place, { isSet }: FileReading): Read {
  const exporter = place.at("exporter");
  const [kind = ""] = exporter.keys;
  if (kind !== "prometheus/development") return named(exporter, kind);
  const prometheus = exporter.at(kind);
  const strategy = prometheus.text("translation_strategy");
  const found = {
    host: prometheus.text("host"),
    port: prometheus.number("port"),
    withScopeInfo: prometheus.flag("scope_info_enabled"),
    withTargetInfo: prometheus.flag("target_info_enabled/development"),
    translationStrategy: strategy === undefined ? undefined : translationStrategies[strategy],
  };
  const options = Object.entries(found).filter(
    ([option, value]) => value !== undefined && !isSet(prometheusVariables[option as keyof typeof found]),
  );
  return { exporterName: "prometheus", options: Object.fromEntries(options), reader: {} };
}

const translationStrategies: Readonly<Record<string, string>> = {
  underscore_escaping_with_suffixes: "UnderscoreEscapingWithSuffixes",
  "underscore_escaping_without_suffixes/development": "UnderscoreEscapingWithoutSuffixes",
  "no_utf8_escaping_with_suffixes/development": "NoUTF8EscapingWithSuffixes",
  "no_translation/development": "NoTranslation",
};

const temporalities = ["cumulative", "delta", "low_memory"] as const;

const prometheusVariables = {
  host: "METERBRIDGE_PROMETHEUS_HOST",
  port: "METERBRIDGE_PROMETHEUS_PORT",
  withScopeInfo: "METERBRIDGE_PROMETHEUS_SCOPE_INFO",
  withTargetInfo: "METERBRIDGE_PROMETHEUS_TARGET_INFO",
  translationStrategy: "METERBRIDGE_PROMETHEUS_TRANSLATION_STRATEGY",
};

function readPeriodic(place: Place, { wrong }: FileReading): Read {
  const exporter = place.at("exporter");
  const [kind = ""] = exporter.keys;
  refuseKnown(exporter, kind, wrong);
  if (kind !== "otlp_http" && kind !== "console") return named(exporter, kind);
  const intervalMillis = place.number("interval") ?? 60_000;
  if (intervalMillis === 0) throw wrong(place.pathOf("interval"), "must be at least 1 ms, found 0");
  const exporterPlace = exporter.at(kind);
  const reader: ReaderSettings = {
    intervalMillis,
    exponentialHistograms:
      exporterPlace.value("default_histogram_aggregation") === "base2_exponential_bucket_histogram",
  };
  const temporality = exporterPlace.choice("temporality_preference", temporalities) ?? "cumulative";
  if (kind === "console") return { exporterName: "console", options: {}, reader: { ...reader, temporality } };
  const otlp = readOtlp(exporterPlace, "metrics", wrong);
  const timeoutMillis = timeOf(place, "timeout", 30_000);
  return {
    exporterName: "otlp",
    reader,
    options: {
      url: otlp.url,
      protocol: otlp.protocol,
      headers: otlp.headers,
      compression: otlp.compression,
      temporality: temporality.replace("_", ""),
      exportIntervalMillis: intervalMillis,
      exportTimeoutMillis: Math.min(otlp.timeoutMillis, timeoutMillis, intervalMillis),
      certificate: otlp.tlsFiles.ca,
      clientCertificate: otlp.tlsFiles.cert,
      clientKey: otlp.tlsFiles.key,
    },
  };
}

/** An exporter package by its name, whose options are its factory's. */
function named(exporter: Place, kind: string): Read {
  return { exporterName: kind, options: exporter.mapping(kind), reader: {} };
}

/** Exporters of the schema that there is no counterpart of: without them, what they were to send would be missing. */
export function refuseKnown(exporter: Place, kind: string, wrong: Wrong): void {
  if (kind === "otlp_grpc") {
    throw wrong(exporter.pathOf(kind), "cannot be used: take otlp_http (a collector's port is 4318 then)");
  }
  if (kind === "otlp_file/development") {
    throw wrong(exporter.pathOf(kind), "cannot be used: take otlp_http to a collector, which can write files");
  }
}

function readLimits(place: Place): ReaderSettings {
  const found = place.at("cardinality_limits");
  const limits = Object.entries(instrumentTypes).flatMap(([key, type]) => {
    const limit = found.number(key);
    return limit === undefined ? [] : [[type, limit] as const];
  });
  return { limitDefault: found.number("default"), limits: Object.fromEntries(limits) };
}
