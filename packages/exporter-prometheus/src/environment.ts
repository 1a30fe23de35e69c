/** A setting found in the environment, with the name of the variable it came from, for error messages. */
export interface EnvironmentValue {
  readonly variable: string;
  readonly value: string;
}

/** The variable of each option that has one, without the prefix. */
export const variableNames = {
  host: "HOST",
  port: "PORT",
  path: "PATH",
  healthPath: "HEALTH_PATH",
  scrapeTimeoutMillis: "SCRAPE_TIMEOUT",
  translationStrategy: "TRANSLATION_STRATEGY",
  withScopeInfo: "SCOPE_INFO",
  withTargetInfo: "TARGET_INFO",
  withCreated: "CREATED",
  compression: "COMPRESSION",
  labelCacheBytes: "LABEL_CACHE_BYTES",
  cardinalityLimit: "CARDINALITY_LIMIT",
  bearerToken: "BEARER_TOKEN",
  basicAuth: "BASIC_AUTH",
  certificateFile: "TLS_CERTIFICATE_FILE",
  keyFile: "TLS_KEY_FILE",
  clientAuthorityFile: "TLS_CLIENT_AUTHORITY_FILE",
  aggregate: "AGGREGATE",
} as const;

export type VariableOption = keyof typeof variableNames;

const prefix = "METERBRIDGE_PROMETHEUS_";

/**
 * Reads one of this package's environment variables, `METERBRIDGE_PROMETHEUS_…`; for host and port else OpenTelemetry's
 * `OTEL_EXPORTER_PROMETHEUS_…`. An empty variable counts as unset.
 *
 * Source: OpenTelemetry specification, environment variables, "Prometheus Exporter".
 */
export function readVariable(environment: NodeJS.ProcessEnv, option: VariableOption): EnvironmentValue | undefined {
  const name = variableNames[option];
  const isStandard = option === "host" || option === "port";
  return [`${prefix}${name}`, ...(isStandard ? [`OTEL_EXPORTER_PROMETHEUS_${name}`] : [])]
    .map((variable) => ({ variable, value: environment[variable]?.trim() ?? "" }))
    .find(({ value }) => value !== "");
}

/** One sentence for each variable that looks like ours and is none: a mistyped name would be ignored in silence. */
export function unknownVariables(environment: NodeJS.ProcessEnv): string[] {
  const known = Object.values(variableNames).map((name) => `${prefix}${name}`);
  return Object.keys(environment)
    .filter((name) => name.startsWith(prefix) && !known.includes(name))
    .map((name) => `${name} is not known and has no effect: the variables are ${known.join(", ")}`);
}
