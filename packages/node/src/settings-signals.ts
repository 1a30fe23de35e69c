import type { FileProcessor, FileSettings, LimitSettings, SpanLimitSettings } from "./config-file-settings.ts";
import type { Environment } from "./environment.ts";
import type { OtlpProtocol, TracesExporter, TracesSampler } from "./environment-variables.ts";
import type { StartOptions } from "./start-options.ts";

/** What spans and log records have in common. */
interface PushSettings {
  readonly exporters: readonly Exclude<TracesExporter, "none">[];
  readonly processors: readonly FileProcessor[];
  /** This and the next are for processors that the environment describes. */
  readonly protocol: Exclude<OtlpProtocol, "grpc">;
  readonly timeoutMillis: number;
  /** Then the variables of OpenTelemetry have no effect. */
  readonly isFromFile: boolean;
}

export interface TraceSettings extends PushSettings {
  readonly limits: SpanLimitSettings;
  readonly sampler: TracesSampler;
  readonly sampledShare: number;
}

export interface LogSettings extends PushSettings {
  readonly limits: LimitSettings;
}

export function traceSettings(
  options: StartOptions,
  environment: Environment,
  shutdownTimeoutMillis: number,
  file: FileSettings | undefined,
): TraceSettings {
  return {
    ...pushSettings("TRACES", options.traces, environment, shutdownTimeoutMillis, file?.spans),
    limits: file?.spanLimits ?? {},
    sampler: environment.OTEL_TRACES_SAMPLER ?? file?.sampler?.name ?? "parentbased_always_on",
    sampledShare: environment.OTEL_TRACES_SAMPLER_ARG ?? file?.sampler?.share ?? 1,
  };
}

export function logSettings(
  options: StartOptions,
  environment: Environment,
  shutdownTimeoutMillis: number,
  file: FileSettings | undefined,
): LogSettings {
  return {
    ...pushSettings("LOGS", options.logs, environment, shutdownTimeoutMillis, file?.logs),
    limits: file?.logLimits ?? {},
  };
}

/** What spans and log records have in common: an exporter of their own, and OpenTelemetry's variables by signal. */
function pushSettings(
  signal: "TRACES" | "LOGS",
  option: TracesExporter | undefined,
  environment: Environment,
  shutdownTimeoutMillis: number,
  inFile: readonly FileProcessor[] | undefined,
): PushSettings {
  const anEndpoint = environment[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`] ?? environment.OTEL_EXPORTER_OTLP_ENDPOINT;
  const asked = option
    ? [option]
    : (environment[`METERBRIDGE_${signal}_EXPORTER`] ??
      environment[`OTEL_${signal}_EXPORTER`] ??
      (anEndpoint ? ["otlp"] : (inFile ?? []).map(({ exporter }) => exporter)));
  const exporters = [...new Set(asked.filter((exporter) => exporter !== "none"))];
  const protocol =
    environment[`OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`] ?? environment.OTEL_EXPORTER_OTLP_PROTOCOL ?? "http/protobuf";
  if (protocol === "grpc" && exporters.includes("otlp")) {
    throw new Error(
      `[meterbridge] ${signal.toLowerCase()} cannot be sent by grpc: set OTEL_EXPORTER_OTLP_${signal}_PROTOCOL to http/protobuf or ` +
        `http/json (the collector's port is 4318 then), or METERBRIDGE_${signal}_EXPORTER to none`,
    );
  }
  // A little less than the last flush has, so that it is the exporter that says what went wrong.
  const longestMillis = Math.ceil(shutdownTimeoutMillis * 0.9);
  const timeoutMillis =
    environment[`OTEL_EXPORTER_OTLP_${signal}_TIMEOUT`] ?? environment.OTEL_EXPORTER_OTLP_TIMEOUT ?? 10_000;
  return {
    exporters,
    processors: processorsFor(exporters, inFile ?? [], longestMillis),
    protocol: protocol === "grpc" ? "http/protobuf" : protocol,
    timeoutMillis: Math.min(timeoutMillis, longestMillis),
    isFromFile: inFile !== undefined,
  };
}

/** Those of the file that are asked for; one that the file does not have is as the environment says. */
function processorsFor(
  exporters: readonly ("otlp" | "console")[],
  inFile: readonly FileProcessor[],
  longestMillis: number,
): FileProcessor[] {
  return exporters.flatMap((exporter) => {
    const found = inFile.filter((processor) => processor.exporter === exporter);
    if (found.length === 0) return [{ exporter, batch: exporter === "otlp" ? {} : undefined, otlp: undefined }];
    return found.map(({ otlp, ...processor }) => ({
      ...processor,
      otlp: otlp && { ...otlp, timeoutMillis: Math.min(otlp.timeoutMillis, longestMillis) },
    }));
  });
}
