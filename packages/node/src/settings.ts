import type { DiagLogger, MeterProvider } from "@opentelemetry/api";
import type { AttributionLabel, GenAiSemconv, PriceBook } from "@meterbridge/core";
import type { Exporter } from "@meterbridge/exporter";
import type { ExemplarFilter } from "@meterbridge/sdk-metrics";
import type { BaggageSettings } from "./baggage.ts";
import { type HostPattern, parseHostPattern } from "./baggage-hosts.ts";
import type { Environment } from "./environment.ts";
import type { CaptureDoor } from "./environment-capture.ts";
import type { InstrumentationSettings } from "./instrumentations-choice.ts";
import type { UsageLedger } from "./ledger.ts";
import type {
  LedgerName,
  LogLevel,
  LogsExporter,
  OtlpProtocol,
  TracesExporter,
  TracesSampler,
} from "./environment-variables.ts";
import type { StartOptions } from "./start-options.ts";

/** Everything that was decided before anything is started: options over `METERBRIDGE_*` over `OTEL_*` over defaults. */
export interface Settings extends BaggageSettings, InstrumentationSettings {
  readonly exporters: readonly (Exporter | string)[];
  /** Who asked for these exporters, for error messages. */
  readonly exportersFrom: string;
  readonly serviceName: string | undefined;
  readonly resourceAttributes: Readonly<Record<string, string | number | boolean>>;
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

export interface TraceSettings {
  readonly exporters: readonly Exclude<TracesExporter, "none">[];
  readonly protocol: Exclude<OtlpProtocol, "grpc">;
  readonly timeoutMillis: number;
  readonly sampler: TracesSampler;
  readonly sampledShare: number;
}

export interface LogSettings {
  readonly exporters: readonly Exclude<LogsExporter, "none">[];
  readonly protocol: Exclude<OtlpProtocol, "grpc">;
  readonly timeoutMillis: number;
}

/** @throws Error of one line when options and environment contradict each other. */
export function settle(options: StartOptions, environment: Environment): Settings {
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
  return {
    ...exporterSettings(options, environment),
    serviceName: options.serviceName ?? environment.OTEL_SERVICE_NAME,
    resourceAttributes: { ...environment.OTEL_RESOURCE_ATTRIBUTES, ...options.resourceAttributes },
    namespace: options.namespace ?? environment.METERBRIDGE_NAMESPACE ?? "",
    attributionLabels: options.attributionLabels ?? environment.METERBRIDGE_ATTRIBUTION_LABELS ?? ["tenant"],
    ...instrumentationSettings(options, environment),
    baggageHosts: options.baggageHosts?.map(parsedHost) ?? environment.METERBRIDGE_BAGGAGE_HOSTS ?? [],
    baggageTrusted: options.baggageTrusted ?? environment.METERBRIDGE_BAGGAGE_TRUSTED ?? false,
    attributionBaggage: options.attributionBaggage ?? environment.METERBRIDGE_ATTRIBUTION_BAGGAGE ?? true,
    seriesLimit: options.seriesLimit ?? environment.METERBRIDGE_SERIES_LIMIT ?? 2000,
    seriesLimits: { ...environment.METERBRIDGE_SERIES_LIMITS, ...options.seriesLimits },
    exemplarFilter: environment.OTEL_METRICS_EXEMPLAR_FILTER ?? "always_off",
    genaiSemconv: options.genaiSemconv ?? environment.METERBRIDGE_GENAI_SEMCONV ?? optedInto(environment) ?? "dup",
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
    traces: traceSettings(options, environment, shutdownTimeoutMillis),
    logs: pushSettings("LOGS", options.logs, environment, shutdownTimeoutMillis),
    ledger: options.ledger ?? environment.METERBRIDGE_LEDGER,
    ledgerFrom: options.ledger === undefined ? "METERBRIDGE_LEDGER" : `option "ledger"`,
    ledgerDirectory: environment.METERBRIDGE_LEDGER_DIRECTORY,
    ledgerRetentionMonths: environment.METERBRIDGE_LEDGER_RETENTION_MONTHS,
    ledgerCounters: environment.METERBRIDGE_LEDGER_COUNTERS === "redis" ? "redis" : undefined,
    consoleIntervalMillis: environment.OTEL_METRIC_EXPORT_INTERVAL ?? 60_000,
    shutdownTimeoutMillis,
    handleSignals: options.handleSignals ?? environment.METERBRIDGE_HANDLE_SIGNALS ?? true,
    diagLogger: options.diagLogger,
    logLevel: options.logLevel ?? environment.METERBRIDGE_LOG_LEVEL ?? environment.OTEL_LOG_LEVEL ?? "warn",
  };
}

function exporterSettings(
  options: StartOptions,
  environment: Environment,
): Pick<Settings, "exporters" | "exportersFrom"> {
  if (options.exporters) return { exporters: options.exporters, exportersFrom: `option "exporters"` };
  for (const name of ["METERBRIDGE_EXPORTERS", "OTEL_METRICS_EXPORTER"] as const) {
    const exporters = environment[name];
    if (exporters) return { exporters, exportersFrom: name };
  }
  // Pull by default: it sends nothing anywhere, and a browser shows that it works.
  return { exporters: ["prometheus"], exportersFrom: "the default" };
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

function traceSettings(options: StartOptions, environment: Environment, shutdownTimeoutMillis: number): TraceSettings {
  return {
    ...pushSettings("TRACES", options.traces, environment, shutdownTimeoutMillis),
    sampler: environment.OTEL_TRACES_SAMPLER ?? "parentbased_always_on",
    sampledShare: environment.OTEL_TRACES_SAMPLER_ARG ?? 1,
  };
}

/** What spans and log records have in common: an exporter of their own, and OpenTelemetry's variables by signal. */
function pushSettings(
  signal: "TRACES" | "LOGS",
  option: TracesExporter | undefined,
  environment: Environment,
  shutdownTimeoutMillis: number,
): LogSettings {
  const anEndpoint = environment[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`] ?? environment.OTEL_EXPORTER_OTLP_ENDPOINT;
  const asked = option
    ? [option]
    : (environment[`METERBRIDGE_${signal}_EXPORTER`] ??
      environment[`OTEL_${signal}_EXPORTER`] ??
      (anEndpoint ? ["otlp"] : []));
  const exporters = asked.filter((exporter): exporter is "otlp" | "console" => exporter !== "none");
  const protocol =
    environment[`OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`] ?? environment.OTEL_EXPORTER_OTLP_PROTOCOL ?? "http/protobuf";
  if (protocol === "grpc" && exporters.includes("otlp")) {
    throw new Error(
      `[meterbridge] ${signal.toLowerCase()} cannot be sent by grpc: set OTEL_EXPORTER_OTLP_${signal}_PROTOCOL to http/protobuf or ` +
        `http/json (the collector's port is 4318 then), or METERBRIDGE_${signal}_EXPORTER to none`,
    );
  }
  return {
    exporters,
    protocol: protocol === "grpc" ? "http/protobuf" : protocol,
    // A little less than the last flush has, so that it is the exporter that says what went wrong.
    timeoutMillis: Math.min(
      environment[`OTEL_EXPORTER_OTLP_${signal}_TIMEOUT`] ?? environment.OTEL_EXPORTER_OTLP_TIMEOUT ?? 10_000,
      Math.ceil(shutdownTimeoutMillis * 0.9),
    ),
  };
}

function optedInto(environment: Environment): GenAiSemconv | undefined {
  const optIns = environment.OTEL_SEMCONV_STABILITY_OPT_IN ?? [];
  if (optIns.includes("gen_ai/dup")) return "dup";
  return optIns.includes("gen_ai_latest_experimental") ? "latest" : undefined;
}
