import type { Attributes, DiagLogger, MeterProvider } from "@opentelemetry/api";
import type { AttributionLabel, GenAiSemconv, PriceBook } from "@meterbridge/core";
import type { Exporter } from "@meterbridge/exporter";
import type { ExemplarFilter } from "@meterbridge/sdk-metrics";
import type { BaggageSettings } from "./baggage.ts";
import { type HostPattern, parseHostPattern } from "./baggage-hosts.ts";
import type {
  FileExporter,
  FileProcessor,
  FileSettings,
  LimitSettings,
  PropagatorName,
  SpanLimitSettings,
} from "./config-file-settings.ts";
import type { Environment } from "./environment.ts";
import type { InstrumentationSettings } from "./instrumentations-choice.ts";
import type { UsageLedger } from "./ledger.ts";
import type {
  CaptureDoor,
  LedgerName,
  LogLevel,
  OtlpProtocol,
  TracesExporter,
  TracesSampler,
} from "./environment-variables.ts";
import type { ViewOptions } from "@opentelemetry/sdk-metrics";
import type { StartOptions } from "./start-options.ts";

/** Everything that was decided before anything is started: options over `METERBRIDGE_*` over `OTEL_*`, or the
 * configuration file in their place, over defaults. */
export interface Settings extends BaggageSettings, InstrumentationSettings {
  readonly exporters: readonly (Exporter | FileExporter | string)[];
  /** Who asked for these exporters, for error messages. */
  readonly exportersFrom: string;
  readonly serviceName: string | undefined;
  readonly resourceAttributes: Attributes;
  /** Which of the resource's attributes that this process finds out by itself are wanted. */
  readonly detects: (attribute: string) => boolean;
  readonly views: readonly ViewOptions[];
  /** Undefined: all that there are. */
  readonly propagators: readonly PropagatorName[] | undefined;
  /** What of the configuration file has no effect, a line each. */
  readonly warnings: readonly string[];
  readonly namespace: string;
  readonly attributionLabels: readonly AttributionLabel[];
  readonly seriesLimit: number;
  readonly seriesLimits: Readonly<Record<string, number>>;
  readonly exemplarFilter: ExemplarFilter;
  readonly genaiSemconv: GenAiSemconv;
  /** Undefined: the default one. Null: none. */
  readonly priceBook: PriceBook | null | undefined;
  readonly pricesFile: string | undefined;
  readonly capture: CaptureChoice;
  readonly meterProvider: MeterProvider | undefined;
  readonly traces: TraceSettings;
  readonly logs: LogSettings;
  /** Undefined: SQLite, if the package is installed. */
  readonly ledger: UsageLedger | LedgerName | undefined;
  /** Who asked for it, for error messages. */
  readonly ledgerFrom: string;
  readonly ledgerDirectory: string | undefined;
  readonly ledgerRetentionMonths: number | undefined;
  readonly ledgerCounters: "redis" | undefined;
  readonly consoleIntervalMillis: number;
  readonly shutdownTimeoutMillis: number;
  readonly handleSignals: boolean;
  readonly diagLogger: DiagLogger | undefined;
  readonly logLevel: LogLevel;
}

export interface CaptureChoice {
  readonly doors: readonly CaptureDoor[];
  readonly askForUsage: boolean;
  readonly hosts: Readonly<Record<string, string>>;
  readonly models: readonly string[];
  readonly tokenizer: "auto" | "characters";
}

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

/** @throws Error of one line when options and environment contradict each other. */
export function settle(options: StartOptions, environment: Environment, file?: FileSettings): Settings {
  if (options.meterProvider !== undefined && options.exporters !== undefined) {
    throw new Error(
      `[meterbridge] options "meterProvider" and "exporters" exclude each other: give the exporters to that provider`,
    );
  }
  const shutdownTimeoutMillis = options.shutdownTimeoutMillis ?? environment.METERBRIDGE_SHUTDOWN_TIMEOUT ?? 3000;
  if (options.priceBook !== undefined && options.pricesFile !== undefined) {
    throw new Error(
      `[meterbridge] options "priceBook" and "pricesFile" exclude each other: give the file to genaiPrices({ overridesFile })`,
    );
  }
  const optIns = environment.OTEL_SEMCONV_STABILITY_OPT_IN ?? file?.semconvOptIn ?? [];
  return {
    ...exporterSettings(options, environment, file),
    views: file?.views ?? [],
    propagators: file?.propagators,
    warnings: warningsOf(options, file),
    serviceName: options.serviceName ?? environment.OTEL_SERVICE_NAME,
    resourceAttributes: {
      ...environment.OTEL_RESOURCE_ATTRIBUTES,
      ...file?.resourceAttributes,
      ...options.resourceAttributes,
    },
    detects: file?.detects ?? (() => true),
    namespace: options.namespace ?? environment.METERBRIDGE_NAMESPACE ?? "",
    attributionLabels: options.attributionLabels ?? environment.METERBRIDGE_ATTRIBUTION_LABELS ?? ["tenant"],
    ...instrumentationSettings(options, environment),
    baggageHosts: options.baggageHosts?.map(parsedHost) ?? environment.METERBRIDGE_BAGGAGE_HOSTS ?? [],
    baggageTrusted: options.baggageTrusted ?? environment.METERBRIDGE_BAGGAGE_TRUSTED ?? false,
    attributionBaggage: options.attributionBaggage ?? environment.METERBRIDGE_ATTRIBUTION_BAGGAGE ?? true,
    seriesLimit: options.seriesLimit ?? environment.METERBRIDGE_SERIES_LIMIT ?? seriesLimitOf(file) ?? 2000,
    seriesLimits: { ...environment.METERBRIDGE_SERIES_LIMITS, ...options.seriesLimits },
    exemplarFilter: environment.OTEL_METRICS_EXEMPLAR_FILTER ?? file?.exemplarFilter ?? "always_off",
    genaiSemconv: options.genaiSemconv ?? environment.METERBRIDGE_GENAI_SEMCONV ?? optedInto(optIns) ?? "dup",
    priceBook: options.priceBook,
    pricesFile: options.pricesFile ?? environment.METERBRIDGE_PRICES_FILE,
    capture: {
      doors: options.capture ?? environment.METERBRIDGE_CAPTURE ?? ["fetch", "spans"],
      askForUsage: options.captureAskForUsage ?? environment.METERBRIDGE_CAPTURE_ASK_FOR_USAGE ?? true,
      hosts: { ...environment.METERBRIDGE_CAPTURE_HOSTS, ...options.captureHosts },
      models: options.captureModels ?? environment.METERBRIDGE_CAPTURE_MODELS ?? [],
      tokenizer: options.captureTokenizer ?? environment.METERBRIDGE_CAPTURE_TOKENIZER ?? "auto",
    },
    meterProvider: options.meterProvider,
    traces: traceSettings(options, environment, shutdownTimeoutMillis, file),
    logs: {
      ...pushSettings("LOGS", options.logs, environment, shutdownTimeoutMillis, file?.logs),
      limits: file?.logLimits ?? {},
    },
    ledger: options.ledger ?? environment.METERBRIDGE_LEDGER,
    ledgerFrom: options.ledger === undefined ? "METERBRIDGE_LEDGER" : `option "ledger"`,
    ledgerDirectory: environment.METERBRIDGE_LEDGER_DIRECTORY,
    ledgerRetentionMonths: environment.METERBRIDGE_LEDGER_RETENTION_MONTHS,
    ledgerCounters: environment.METERBRIDGE_LEDGER_COUNTERS === "redis" ? "redis" : undefined,
    consoleIntervalMillis: environment.OTEL_METRIC_EXPORT_INTERVAL ?? 60_000,
    shutdownTimeoutMillis,
    handleSignals: options.handleSignals ?? environment.METERBRIDGE_HANDLE_SIGNALS ?? true,
    diagLogger: options.diagLogger,
    logLevel:
      options.logLevel ?? environment.METERBRIDGE_LOG_LEVEL ?? environment.OTEL_LOG_LEVEL ?? file?.logLevel ?? "warn",
  };
}

function exporterSettings(
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
function seriesLimitOf(file: FileSettings | undefined): number | undefined {
  if (file === undefined || file.exporters.length === 0) return undefined;
  const limits = file.exporters.flatMap(({ reader }) => [
    reader.limitDefault ?? 2000,
    ...Object.values(reader.limits ?? {}),
  ]);
  return Math.min(Math.max(2, ...limits), 1_000_000);
}

function warningsOf(options: StartOptions, file: FileSettings | undefined): readonly string[] {
  if (file === undefined) return [];
  const hasMeters = file.exporters.length + file.views.length > 0;
  return options.meterProvider === undefined || !hasMeters
    ? file.warnings
    : [...file.warnings, `${file.file}: meter_provider has no effect, because of option "meterProvider"`];
}

function instrumentationSettings(options: StartOptions, environment: Environment): InstrumentationSettings {
  return options.instrumentations === undefined
    ? {
        instrumentations: environment.METERBRIDGE_INSTRUMENTATIONS,
        instrumentationsFrom: "METERBRIDGE_INSTRUMENTATIONS",
      }
    : { instrumentations: options.instrumentations, instrumentationsFrom: `option "instrumentations"` };
}

/** The options have been checked. */
function parsedHost(text: string): HostPattern {
  const pattern = parseHostPattern(text);
  if (pattern === undefined) throw new Error(`[meterbridge] option "baggageHosts" holds no host: "${text}"`);
  return pattern;
}

function traceSettings(
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

function optedInto(optIns: readonly string[]): GenAiSemconv | undefined {
  if (optIns.includes("gen_ai/dup")) return "dup";
  return optIns.includes("gen_ai_latest_experimental") ? "latest" : undefined;
}
