/** Options of `datadog()`. Each wins over its environment variable. An empty variable counts as unset. */
export interface DatadogOptions {
  /**
   * `"agent"`: to the Agent's OTLP port. `"agentless"`: to Datadog's OTLP intake. `"dogstatsd"`: by UDP to an Agent that takes no OTLP;
   * needs the package `hot-shots`. Default: `"agentless"` where there is an API key, else `"agent"`. `METERBRIDGE_DATADOG_MODE`.
   */
  readonly mode?: "agent" | "agentless" | "dogstatsd" | undefined;

  /** For `"agentless"`. `DD_API_KEY`. */
  readonly apiKey?: string | undefined;

  /** Datadog's site, for `"agentless"`: `datadoghq.com` (the default), `datadoghq.eu`, `us5.datadoghq.com`, … `DD_SITE`. */
  readonly site?: string | undefined;

  /** The host that the Agent runs on. Default `"localhost"`. `DD_AGENT_HOST`. */
  readonly agentHost?: string | undefined;

  /** Where to send instead, the full URL: another port of the Agent, or a proxy in front of the intake. `METERBRIDGE_DATADOG_URL`. */
  readonly url?: string | undefined;

  /** The Agent's port, for `"dogstatsd"`. Default 8125. `DD_DOGSTATSD_PORT`. */
  readonly dogstatsdPort?: number | undefined;

  /** Unified service tagging: put over the resource's `deployment.environment.name`. `DD_ENV`. */
  readonly environment?: string | undefined;

  /** Put over the resource's `service.name`. `DD_SERVICE`. */
  readonly service?: string | undefined;

  /** Put over the resource's `service.version`. `DD_VERSION`. */
  readonly version?: string | undefined;

  /** Milliseconds from one export to the next. Default 10 000, the resolution that Datadog keeps. `OTEL_METRIC_EXPORT_INTERVAL`. */
  readonly exportIntervalMillis?: number | undefined;

  /** Milliseconds one export may take, tries included. Default 10 000, at most the interval. `OTEL_METRIC_EXPORT_TIMEOUT`. */
  readonly exportTimeoutMillis?: number | undefined;

  /** The most milliseconds that `shutdown()` and `forceFlush()` take in total. Default 3000. */
  readonly shutdownTimeoutMillis?: number | undefined;
}
