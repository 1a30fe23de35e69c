/**
 * Options of `otlp()`. Each wins over its environment variables, and `OTEL_EXPORTER_OTLP_METRICS_*` wins over
 * `OTEL_EXPORTER_OTLP_*` (OpenTelemetry specification, "OTLP Exporter Configuration"). An empty variable counts as unset.
 */
export interface OtlpOptions {
  /**
   * Where to send, the full URL with its path. Default `http://localhost:4318/v1/metrics`.
   * `OTEL_EXPORTER_OTLP_METRICS_ENDPOINT` (taken as it is), `OTEL_EXPORTER_OTLP_ENDPOINT` (`/v1/metrics` is appended).
   */
  readonly url?: string | undefined;

  /** Default `"http/protobuf"`. `OTEL_EXPORTER_OTLP_METRICS_PROTOCOL`, `OTEL_EXPORTER_OTLP_PROTOCOL`. */
  readonly protocol?: "http/protobuf" | "http/json" | undefined;

  /**
   * Headers of each request, for example an API key. Added to those of the environment, name by name.
   * `OTEL_EXPORTER_OTLP_METRICS_HEADERS`, `OTEL_EXPORTER_OTLP_HEADERS` (`name=value,name=value`, percent-encoded).
   */
  readonly headers?: Readonly<Record<string, string>> | undefined;

  /** Default `"none"`. `OTEL_EXPORTER_OTLP_METRICS_COMPRESSION`, `OTEL_EXPORTER_OTLP_COMPRESSION`. */
  readonly compression?: "gzip" | "none" | undefined;

  /**
   * Whether sums and histograms count from the start of the process (`"cumulative"`, the default), since the last export
   * (`"delta"`), or the one that takes less memory for each instrument (`"lowmemory"`).
   * `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE`.
   */
  readonly temporality?: "cumulative" | "delta" | "lowmemory" | undefined;

  /** Milliseconds from one export to the next. Default 60 000. `OTEL_METRIC_EXPORT_INTERVAL`. */
  readonly exportIntervalMillis?: number | undefined;

  /**
   * Milliseconds one export may take, retries included; at most the interval. Default 10 000, or the interval where that
   * is shorter. `OTEL_EXPORTER_OTLP_METRICS_TIMEOUT` or `OTEL_EXPORTER_OTLP_TIMEOUT`, and `OTEL_METRIC_EXPORT_TIMEOUT`: the
   * shorter one counts.
   */
  readonly exportTimeoutMillis?: number | undefined;

  /**
   * A PEM file with the certificate authorities to trust, instead of those of Node.js.
   * `OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE`, `OTEL_EXPORTER_OTLP_CERTIFICATE`.
   */
  readonly certificate?: string | undefined;

  /**
   * A PEM file with the client's certificate (mutual TLS). Needs `clientKey`.
   * `OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE`, `OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE`.
   */
  readonly clientCertificate?: string | undefined;

  /**
   * A PEM file with the client's private key (mutual TLS). Needs `clientCertificate`.
   * `OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY`, `OTEL_EXPORTER_OTLP_CLIENT_KEY`.
   */
  readonly clientKey?: string | undefined;

  /** The most milliseconds that `shutdown()` and `forceFlush()` take in total, whatever the backend does. Default 3000. */
  readonly shutdownTimeoutMillis?: number | undefined;
}
