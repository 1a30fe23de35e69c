import { environmentVariables } from "./environment-schema.ts";
import { type EnvironmentValues, parseEnvironment } from "./environment-variables.ts";

/** The process's environment, parsed. Nothing else in this package reads it. */
export interface Environment extends EnvironmentValues {
  /** Variables beginning with METERBRIDGE_ that this package does not know. */
  readonly unknown: readonly string[];
}

/** @throws Error of one line when a variable is wrong. */
export function readEnvironment(): Environment {
  return { ...parseEnvironment(inForce(process.env)), unknown: unknownVariables(process.env) };
}

/** Whether a variable is set to more than nothing. */
export function isVariableSet(name: string): boolean {
  return Boolean(process.env[name]?.trim());
}

/** The flags that Node.js takes from its own variable, as far as they are words. */
export function nodeOptions(): readonly string[] {
  return (process.env["NODE_OPTIONS"] ?? "").split(/\s+/);
}

/** The variable that switches everything off, if one does. `METERBRIDGE_DISABLED=false` wins over `OTEL_SDK_DISABLED=true`. */
export function disabledBy(environment: EnvironmentValues): string | undefined {
  if (environment.METERBRIDGE_DISABLED !== undefined) {
    return environment.METERBRIDGE_DISABLED ? "METERBRIDGE_DISABLED" : undefined;
  }
  return environment.OTEL_SDK_DISABLED ? "OTEL_SDK_DISABLED" : undefined;
}

/** Beside a configuration file, the other variables of OpenTelemetry are ignored (specification, "OTEL_CONFIG_FILE"). */
function inForce(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  if (!isVariableSet("OTEL_CONFIG_FILE")) return env;
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => name === "OTEL_CONFIG_FILE" || !name.startsWith("OTEL_")),
  );
}

function unknownVariables(env: NodeJS.ProcessEnv): string[] {
  const known = new Set(environmentVariables.map((variable) => variable.name));
  return Object.keys(env).filter((name) => name.startsWith("METERBRIDGE_") && !known.has(name));
}
