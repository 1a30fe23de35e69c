import type { ExemplarFilter } from "@meterbridge/sdk-metrics";
import type { AttributionLabel, GenAiSemconv } from "@meterbridge/core";
import * as v from "valibot";
import type { HostPattern } from "./baggage-hosts.ts";
import { environmentSchema, environmentVariables } from "./environment-schema.ts";

/** One environment variable, as the documentation shows it. */
export interface EnvironmentVariable {
  readonly name: string;
  /** What it sets. */
  readonly sets: string;
  /** The values that are allowed. */
  readonly allowed: string;
  /** The value in force when it is unset, or where else the value comes from. */
  readonly otherwise: string;
}

/** What every variable holds after parsing; a variable that is unset or empty is absent. */
export interface EnvironmentValues {
  readonly METERBRIDGE_EXPORTERS?: readonly string[] | undefined;
  readonly OTEL_METRICS_EXPORTER?: readonly string[] | undefined;
  readonly METERBRIDGE_NAMESPACE?: string | undefined;
  readonly METERBRIDGE_ATTRIBUTION_LABELS?: readonly AttributionLabel[] | undefined;
  readonly METERBRIDGE_ATTRIBUTION_BAGGAGE?: boolean | undefined;
  readonly METERBRIDGE_BAGGAGE_HOSTS?: readonly HostPattern[] | undefined;
  readonly METERBRIDGE_BAGGAGE_TRUSTED?: boolean | undefined;
  readonly METERBRIDGE_INSTRUMENTATIONS?: readonly string[] | undefined;
  readonly METERBRIDGE_CAPTURE?: readonly CaptureDoor[] | undefined;
  readonly METERBRIDGE_CAPTURE_ASK_FOR_USAGE?: boolean | undefined;
  readonly METERBRIDGE_CAPTURE_HOSTS?: Readonly<Record<string, string>> | undefined;
  readonly METERBRIDGE_CAPTURE_MODELS?: readonly string[] | undefined;
  readonly METERBRIDGE_CAPTURE_TOKENIZER?: "auto" | "characters" | undefined;
  readonly METERBRIDGE_PRICES_FILE?: string | undefined;
  readonly METERBRIDGE_SERIES_LIMIT?: number | undefined;
  readonly METERBRIDGE_SERIES_LIMITS?: Readonly<Record<string, number>> | undefined;
  readonly METERBRIDGE_GENAI_SEMCONV?: GenAiSemconv | undefined;
  readonly OTEL_SEMCONV_STABILITY_OPT_IN?: readonly string[] | undefined;
  readonly METERBRIDGE_LEDGER?: LedgerName | undefined;
  readonly METERBRIDGE_LEDGER_DIRECTORY?: string | undefined;
  readonly METERBRIDGE_LEDGER_RETENTION_MONTHS?: number | undefined;
  readonly METERBRIDGE_LEDGER_COUNTERS?: "redis" | "none" | undefined;
  readonly METERBRIDGE_TRACES_EXPORTER?: readonly TracesExporter[] | undefined;
  readonly OTEL_TRACES_EXPORTER?: readonly TracesExporter[] | undefined;
  readonly METERBRIDGE_LOGS_EXPORTER?: readonly LogsExporter[] | undefined;
  readonly OTEL_LOGS_EXPORTER?: readonly LogsExporter[] | undefined;
  readonly OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined;
  readonly OTEL_EXPORTER_OTLP_TRACES_ENDPOINT?: string | undefined;
  readonly OTEL_EXPORTER_OTLP_LOGS_ENDPOINT?: string | undefined;
  readonly OTEL_EXPORTER_OTLP_PROTOCOL?: OtlpProtocol | undefined;
  readonly OTEL_EXPORTER_OTLP_TRACES_PROTOCOL?: OtlpProtocol | undefined;
  readonly OTEL_EXPORTER_OTLP_LOGS_PROTOCOL?: OtlpProtocol | undefined;
  readonly OTEL_EXPORTER_OTLP_TIMEOUT?: number | undefined;
  readonly OTEL_EXPORTER_OTLP_TRACES_TIMEOUT?: number | undefined;
  readonly OTEL_EXPORTER_OTLP_LOGS_TIMEOUT?: number | undefined;
  readonly OTEL_TRACES_SAMPLER?: TracesSampler | undefined;
  readonly OTEL_TRACES_SAMPLER_ARG?: number | undefined;
  readonly OTEL_METRIC_EXPORT_INTERVAL?: number | undefined;
  readonly OTEL_METRICS_EXEMPLAR_FILTER?: ExemplarFilter | undefined;
  readonly OTEL_SERVICE_NAME?: string | undefined;
  readonly OTEL_RESOURCE_ATTRIBUTES?: Readonly<Record<string, string>> | undefined;
  readonly METERBRIDGE_LOG_LEVEL?: LogLevel | undefined;
  readonly OTEL_LOG_LEVEL?: LogLevel | undefined;
  readonly METERBRIDGE_SHUTDOWN_TIMEOUT?: number | undefined;
  readonly METERBRIDGE_HANDLE_SIGNALS?: boolean | undefined;
  readonly METERBRIDGE_DISABLED?: boolean | undefined;
  readonly OTEL_SDK_DISABLED?: boolean | undefined;
  readonly OTEL_CONFIG_FILE?: string | undefined;
  readonly OTEL_EXPERIMENTAL_CONFIG_FILE?: string | undefined;
}

/** What is captured of model calls without a word in the application. */
export type CaptureDoor = "fetch" | "spans";
export type LedgerName = "sqlite" | "postgresql" | "off";
export type LogLevel = "none" | "error" | "warn" | "info" | "debug" | "verbose" | "all";
export type OtlpProtocol = "http/protobuf" | "http/json" | "grpc";
export type TracesExporter = "otlp" | "console" | "none";
export type LogsExporter = TracesExporter;
export type TracesSampler =
  | "always_on"
  | "always_off"
  | "traceidratio"
  | "parentbased_always_on"
  | "parentbased_always_off"
  | "parentbased_traceidratio";

/**
 * Parses the variables of `env` that this package owns. An empty variable counts as unset, as OpenTelemetry has it.
 *
 * @throws Error of one line, naming the variable, what was found and what is allowed.
 */
export function parseEnvironment(env: NodeJS.ProcessEnv): EnvironmentValues {
  const known: Record<string, string> = {};
  for (const { name } of environmentVariables) {
    const value = env[name]?.trim();
    if (value) known[name] = value;
  }
  const result = v.safeParse(environmentSchema, known, { abortEarly: true });
  if (result.success) return result.output;
  const name = String(result.issues[0].path?.[0]?.key);
  const allowed = environmentVariables.find((each) => each.name === name)?.allowed;
  throw new Error(`[meterbridge] ${name} must be ${allowed}, found "${withoutCredentials(known[name] ?? "")}"`);
}

/** An endpoint may carry a password before its host or a token in its query. */
function withoutCredentials(value: string): string {
  return value.replace(/^([a-z+.-]+:\/\/)?.*@/is, "$1…@").replace(/\?.*$/s, "?…");
}
