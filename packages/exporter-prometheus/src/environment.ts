/** A setting found in the environment, with the name of the variable it came from, for error messages. */
export interface EnvironmentValue {
  readonly variable: string;
  readonly value: string;
}

export interface PrometheusEnvironment {
  readonly host: EnvironmentValue | undefined;
  readonly port: EnvironmentValue | undefined;
}

/**
 * Reads this package's environment variables: `METERBRIDGE_PROMETHEUS_HOST` and `METERBRIDGE_PROMETHEUS_PORT`, else
 * `OTEL_EXPORTER_PROMETHEUS_HOST` and `OTEL_EXPORTER_PROMETHEUS_PORT`. An empty variable counts as unset.
 *
 * Source: OpenTelemetry specification, environment variables, "Prometheus Exporter".
 */
export function readEnvironment(environment: NodeJS.ProcessEnv): PrometheusEnvironment {
  const first = (...variables: string[]): EnvironmentValue | undefined =>
    variables
      .map((variable) => ({ variable, value: environment[variable]?.trim() ?? "" }))
      .find(({ value }) => value !== "");
  return {
    host: first("METERBRIDGE_PROMETHEUS_HOST", "OTEL_EXPORTER_PROMETHEUS_HOST"),
    port: first("METERBRIDGE_PROMETHEUS_PORT", "OTEL_EXPORTER_PROMETHEUS_PORT"),
  };
}
