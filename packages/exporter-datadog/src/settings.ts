import * as v from "valibot";
import type { DatadogOptions } from "./options.ts";

/** What the exporter runs with: options over the environment over defaults, all checked. */
export interface DatadogSettings {
  readonly mode: "agent" | "agentless" | "dogstatsd";
  readonly apiKey: string | undefined;
  readonly url: string;
  readonly agentHost: string;
  readonly dogstatsdPort: number;
  /** Unified service tags, as attributes of the resource. */
  readonly resourceAttributes: Readonly<Record<string, string>>;
  readonly times: Pick<DatadogOptions, "exportIntervalMillis" | "exportTimeoutMillis" | "shutdownTimeoutMillis">;
}

/** @throws Error naming the option or variable, what was found and what is allowed. The API key is never shown. */
export function resolveSettings(options: DatadogOptions, environment: NodeJS.ProcessEnv): DatadogSettings {
  checkNames(options);
  const find = (option: keyof DatadogOptions, variable: string): Given | undefined =>
    options[option] === undefined
      ? fromEnvironment(environment, variable)
      : { value: options[option], who: `option "${option}"` };
  const apiKey = check(key, find("apiKey", "DD_API_KEY"), true);
  const mode = check(modes, find("mode", "METERBRIDGE_DATADOG_MODE")) ?? (apiKey === undefined ? "agent" : "agentless");
  if (mode === "agentless" && apiKey === undefined) {
    throw new Error(
      `[meterbridge] [datadog] mode "agentless" needs an API key: set DD_API_KEY or option "apiKey", or mode "agent" to send to an Agent`,
    );
  }
  const site = check(host, find("site", "DD_SITE")) ?? "datadoghq.com";
  const agentHost = check(host, find("agentHost", "DD_AGENT_HOST")) ?? "localhost";
  const usual = mode === "agentless" ? `https://otlp.${site}/v1/metrics` : `http://${agentHost}:4318/v1/metrics`;
  return {
    mode,
    apiKey: mode === "agentless" ? apiKey : undefined,
    url: check(httpUrl, find("url", "METERBRIDGE_DATADOG_URL")) ?? usual,
    agentHost,
    dogstatsdPort: check(port, asNumber(find("dogstatsdPort", "DD_DOGSTATSD_PORT"))) ?? 8125,
    resourceAttributes: {
      ...named("deployment.environment.name", check(tag, find("environment", "DD_ENV"))),
      ...named("service.name", check(tag, find("service", "DD_SERVICE"))),
      ...named("service.version", check(tag, find("version", "DD_VERSION"))),
    },
    times: {
      exportIntervalMillis:
        options.exportIntervalMillis ?? Number(environment["OTEL_METRIC_EXPORT_INTERVAL"] || 10_000),
      ...(options.exportTimeoutMillis !== undefined && { exportTimeoutMillis: options.exportTimeoutMillis }),
      ...(options.shutdownTimeoutMillis !== undefined && { shutdownTimeoutMillis: options.shutdownTimeoutMillis }),
    },
  };
}

/** A value to check, and where it comes from. */
interface Given {
  readonly value: unknown;
  readonly who: string;
}

const modes = v.pipe(
  v.picklist(["agent", "agentless", "dogstatsd"]),
  v.metadata({ allowed: `"agent", "agentless" or "dogstatsd"` }),
);
const key = v.pipe(
  v.string(),
  v.regex(/^[\w-]{16,128}$/),
  v.metadata({ allowed: "a Datadog API key: letters and digits" }),
);
// The key is sent there: nothing but a host may come of it.
const host = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/i),
  v.metadata({ allowed: "a host name, such as datadoghq.eu" }),
);
const httpUrl = v.pipe(
  v.string(),
  v.check((text) => /^https?:\/\//i.test(text) && URL.canParse(text)),
  v.metadata({ allowed: "a URL that begins with http:// or https://" }),
);
const port = v.pipe(
  v.number(),
  v.integer(),
  v.minValue(1),
  v.maxValue(65535),
  v.metadata({ allowed: "a port from 1 to 65535" }),
);
const tag = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(200),
  v.metadata({ allowed: "a text of at most 200 characters" }),
);

const optionNames: Readonly<Record<keyof DatadogOptions, true>> = {
  mode: true,
  apiKey: true,
  site: true,
  agentHost: true,
  url: true,
  dogstatsdPort: true,
  environment: true,
  service: true,
  version: true,
  exportIntervalMillis: true,
  exportTimeoutMillis: true,
  shutdownTimeoutMillis: true,
};

function checkNames(options: DatadogOptions): void {
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(optionNames, name)) continue;
    throw wrong("an option", `one of ${Object.keys(optionNames).join(", ")}`, JSON.stringify(name));
  }
}

function fromEnvironment(environment: NodeJS.ProcessEnv, variable: string): Given | undefined {
  const value = environment[variable]?.trim();
  return value ? { value, who: variable } : undefined;
}

function asNumber(given: Given | undefined): Given | undefined {
  return typeof given?.value === "string" ? { ...given, value: Number(given.value) } : given;
}

function named(name: string, value: string | undefined): Record<string, string> {
  return value === undefined ? {} : { [name]: value };
}

function check<Output>(
  schema: v.GenericSchema<unknown, Output>,
  given: Given | undefined,
  isSecret = false,
): Output | undefined {
  if (given === undefined) return undefined;
  const result = v.safeParse(schema, given.value);
  if (result.success) return result.output;
  const found = isSecret ? "something else" : JSON.stringify(given.value);
  throw wrong(given.who, String(v.getMetadata(schema)["allowed"]), found);
}

function wrong(who: string, what: string, found: string): Error {
  return new Error(`[meterbridge] [datadog] ${who} must be ${what}, found ${found}`);
}
