import { readVariable, type VariableOption } from "./environment.ts";
import type { TranslationStrategy } from "./naming.ts";
import { fromEnvironment, parseOptions, prefix, show, type VariableValues } from "./option-schemas.ts";

export interface PrometheusOptions {
  /**
   * Address to listen on. Anything but a loopback address lets every machine that reaches the port read the metrics.
   * Environment: `METERBRIDGE_PROMETHEUS_HOST`, else `OTEL_EXPORTER_PROMETHEUS_HOST`. Default `"127.0.0.1"`.
   */
  readonly host?: string;

  /**
   * Port to listen on, 0 for any free one. Environment: `METERBRIDGE_PROMETHEUS_PORT`, else
   * `OTEL_EXPORTER_PROMETHEUS_PORT`. Default 9464.
   */
  readonly port?: number;

  /** Path of the metrics. Environment: `METERBRIDGE_PROMETHEUS_PATH`. Default `"/metrics"`. */
  readonly path?: string;

  /** Path of the exporter's health. Environment: `METERBRIDGE_PROMETHEUS_HEALTH_PATH`. Default `"/health"`. */
  readonly healthPath?: string;

  /** False opens no port: mount `handler()` or `fetchHandler()` on the application's own server. Default true. */
  readonly server?: boolean;

  /**
   * How long a scrape may take before it is answered with 503, in milliseconds, and as long again for reading the answer. A scraper
   * that says in `X-Prometheus-Scrape-Timeout-Seconds` that it waits less is answered in time. Environment:
   * `METERBRIDGE_PROMETHEUS_SCRAPE_TIMEOUT`. Default 10,000.
   */
  readonly scrapeTimeoutMillis?: number;

  /**
   * How OpenTelemetry names become Prometheus names: `"UnderscoreEscapingWithSuffixes"`, `"UnderscoreEscapingWithoutSuffixes"`,
   * `"NoUTF8EscapingWithSuffixes"` or `"NoTranslation"`. The last two keep dots and other characters for scrapers that ask for
   * them. Environment: `METERBRIDGE_PROMETHEUS_TRANSLATION_STRATEGY`. Default `"UnderscoreEscapingWithSuffixes"`.
   */
  readonly translationStrategy?: TranslationStrategy;

  /**
   * Label every series with the instrumentation scope, `otel_scope_name` and `otel_scope_version`. Default false, although
   * the OpenTelemetry specification has it on: the labels make a scrape about a quarter larger, and the version starts new
   * series at each upgrade of a library. Turn it on where two libraries record metrics of one name. Environment:
   * `METERBRIDGE_PROMETHEUS_SCOPE_INFO`.
   */
  readonly withScopeInfo?: boolean;

  /** Expose the resource's attributes as `target_info`. Environment: `METERBRIDGE_PROMETHEUS_TARGET_INFO`. Default true. */
  readonly withTargetInfo?: boolean;

  /**
   * Show in OpenMetrics when each counter and histogram began, as `_created`. Default false: servers take these for series, which
   * doubles a counter's. Protobuf has the times in any case. Environment: `METERBRIDGE_PROMETHEUS_CREATED`.
   */
  readonly withCreated?: boolean;

  /** Compress answers with gzip for scrapers that take it. Environment: `METERBRIDGE_PROMETHEUS_COMPRESSION`. Default true. */
  readonly compression?: boolean;

  /**
   * How many bytes of rendered labels may be kept from one scrape to the next, in all formats together; 0 keeps none, and each
   * scrape renders them anew. A series takes its labels' length and 12 bytes. Environment:
   * `METERBRIDGE_PROMETHEUS_LABEL_CACHE_BYTES`. Default 67,108,864 (64 MiB).
   */
  readonly labelCacheBytes?: number;

  /**
   * The most series of one metric that the meter provider should hand over, between two scrapes; what is beyond goes into one
   * series labelled `otel_metric_overflow="true"`. Default 10,000: more than the limit that Meterbridge's own meters keep,
   * so that the two do not cut into each other. Of no effect on counters and histograms under `start()` of
   * `@meterbridge/node`, which keeps their series itself, up to its `seriesLimit`. Environment:
   * `METERBRIDGE_PROMETHEUS_CARDINALITY_LIMIT`.
   */
  readonly cardinalityLimit?: number;

  /** Admits requests with `Authorization: Bearer …` alone. Environment: `METERBRIDGE_PROMETHEUS_BEARER_TOKEN`. Default none. */
  readonly bearerToken?: string;

  /**
   * Admits requests with this name and password alone; beside `bearerToken`, either lets in. Environment:
   * `METERBRIDGE_PROMETHEUS_BASIC_AUTH` as `name:password`. Default none.
   */
  readonly basicAuth?: BasicAuth;

  /** Serves HTTPS. Default none. */
  readonly tls?: TlsFiles;

  /**
   * Gathers the metrics of all processes of a `node:cluster` or of all worker threads: the primary process or main thread serves
   * what all of them counted, and the others open no port. Set the same in each. Environment:
   * `METERBRIDGE_PROMETHEUS_AGGREGATE` as `cluster` or `threads`. Default none.
   */
  readonly aggregate?: "cluster" | "threads" | AggregateOptions;
}

export interface BasicAuth {
  /** Without a colon. */
  readonly username: string;
  readonly password: string;
}

/** Files in PEM form. They are read again when they change. */
export interface TlsFiles {
  /** Environment: `METERBRIDGE_PROMETHEUS_TLS_CERTIFICATE_FILE`. */
  readonly certificateFile: string;
  /** Environment: `METERBRIDGE_PROMETHEUS_TLS_KEY_FILE`. */
  readonly keyFile: string;
  /** Asks scrapers for a certificate of this authority. Environment: `METERBRIDGE_PROMETHEUS_TLS_CLIENT_AUTHORITY_FILE`. Default none. */
  readonly clientAuthorityFile?: string;
}

/** What becomes of gauges of several processes or threads: one value, or one for each, labelled `instance_id`. */
export type GaugeRule = "sum" | "max" | "min" | "last" | "each";

export interface AggregateOptions {
  readonly across: "cluster" | "threads";
  /** For gauges without a rule of their own. Up-down counters always add up. Default `"sum"`. */
  readonly gauges?: GaugeRule;
  /** Rules for some gauges, by their OpenTelemetry names. Default none. */
  readonly gaugeRules?: Readonly<Record<string, GaugeRule>>;
  /** How long a scrape waits for the others before it takes what they told last, in milliseconds. Default 1,000. */
  readonly deadlineMillis?: number;
}

/** Options with the environment and the defaults filled in. */
export interface ResolvedOptions extends Required<
  Omit<PrometheusOptions, "bearerToken" | "basicAuth" | "tls" | "aggregate">
> {
  readonly bearerToken: string | undefined;
  readonly basicAuth: BasicAuth | undefined;
  readonly tls: TlsFiles | undefined;
  readonly aggregate: Required<AggregateOptions> | undefined;
}

/**
 * Fills in the environment and the defaults. Throws an `Error` of one line that names the option or variable, what was found
 * and what is allowed; it never shows a secret.
 */
export function resolveOptions(options: PrometheusOptions, environment: NodeJS.ProcessEnv): ResolvedOptions {
  const given = parseOptions(options);
  const variable = <Option extends VariableOption>(option: Option): VariableValues[Option] | undefined =>
    fromEnvironment(option, readVariable(environment, option));
  const resolved: ResolvedOptions = {
    host: given.host ?? variable("host") ?? "127.0.0.1",
    port: given.port ?? variable("port") ?? 9464,
    path: given.path ?? variable("path") ?? "/metrics",
    healthPath: given.healthPath ?? variable("healthPath") ?? "/health",
    server: given.server ?? true,
    scrapeTimeoutMillis: given.scrapeTimeoutMillis ?? variable("scrapeTimeoutMillis") ?? 10_000,
    translationStrategy:
      given.translationStrategy ?? variable("translationStrategy") ?? "UnderscoreEscapingWithSuffixes",
    withScopeInfo: given.withScopeInfo ?? variable("withScopeInfo") ?? false,
    withTargetInfo: given.withTargetInfo ?? variable("withTargetInfo") ?? true,
    withCreated: given.withCreated ?? variable("withCreated") ?? false,
    compression: given.compression ?? variable("compression") ?? true,
    labelCacheBytes: given.labelCacheBytes ?? variable("labelCacheBytes") ?? 67_108_864,
    cardinalityLimit: given.cardinalityLimit ?? variable("cardinalityLimit") ?? 10_000,
    bearerToken: given.bearerToken ?? variable("bearerToken"),
    basicAuth: given.basicAuth ?? variable("basicAuth"),
    tls:
      given.tls ??
      tlsFromEnvironment(variable("certificateFile"), variable("keyFile"), variable("clientAuthorityFile")),
    aggregate: resolveAggregate(given.aggregate ?? variable("aggregate")),
  };
  if (resolved.path === resolved.healthPath) {
    throw new Error(`${prefix} options "path" and "healthPath" must differ, found ${show(resolved.path)} for both`);
  }
  return resolved;
}

function tlsFromEnvironment(
  certificateFile: string | undefined,
  keyFile: string | undefined,
  clientAuthorityFile: string | undefined,
): TlsFiles | undefined {
  if (certificateFile === undefined && keyFile === undefined && clientAuthorityFile === undefined) return undefined;
  if (certificateFile === undefined || keyFile === undefined) {
    const missing = certificateFile === undefined ? "CERTIFICATE" : "KEY";
    throw new Error(
      `${prefix} METERBRIDGE_PROMETHEUS_TLS_${missing}_FILE must be set, too: HTTPS needs certificate and key`,
    );
  }
  return { certificateFile, keyFile, ...(clientAuthorityFile === undefined ? {} : { clientAuthorityFile }) };
}

function resolveAggregate(given: PrometheusOptions["aggregate"]): Required<AggregateOptions> | undefined {
  if (given === undefined) return undefined;
  const asked = typeof given === "string" ? { across: given } : given;
  return { gauges: "sum", gaugeRules: {}, deadlineMillis: 1000, ...asked };
}
