import type { Attributes, DiagLogger, MeterProvider } from "@opentelemetry/api";
import type { AttributionLabel, GenAiSemconv, PriceBook } from "@meterbridge/core";
import type { Exporter } from "@meterbridge/exporter";
import type { ExemplarFilter } from "@meterbridge/sdk-metrics";
import type { BaggageSettings } from "./baggage.ts";
import { type HostPattern, parseHostPattern } from "./baggage-hosts.ts";
import type { FileExporter, FileSettings, PropagatorName } from "./config-file-settings.ts";
import type { Environment } from "./environment.ts";
import type { InstrumentationSettings } from "./instrumentations-choice.ts";
import type { UsageLedger } from "./ledger.ts";
import type { CaptureDoor, LedgerName, LogLevel } from "./environment-variables.ts";
import type { ViewOptions } from "@opentelemetry/sdk-metrics";
import { exporterSettings, seriesLimitOf } from "./settings-exporters.ts";
import { type LogSettings, logSettings, type TraceSettings, traceSettings } from "./settings-signals.ts";
import type { StartOptions } from "./start-options.ts";

/**
 * Everything that was decided before anything is started: options over `METERBRIDGE_*` over `OTEL_*`, or the configuration file in their
 * place, over defaults.
 */
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
    logs: logSettings(options, environment, shutdownTimeoutMillis, file),
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

function optedInto(optIns: readonly string[]): GenAiSemconv | undefined {
  if (optIns.includes("gen_ai/dup")) return "dup";
  return optIns.includes("gen_ai_latest_experimental") ? "latest" : undefined;
}
