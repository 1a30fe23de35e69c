import * as v from "valibot";
import { checkHeaders, mergeHeaders, parseHeaders } from "./headers.ts";
import type { OtlpOptions } from "./options.ts";

/** What the exporter runs with: options over the environment over defaults, all checked. */
export interface OtlpSettings {
  readonly url: URL;
  readonly protocol: "http/protobuf" | "http/json";
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly compression: "gzip" | "none";
  readonly temporality: "cumulative" | "delta" | "lowmemory";
  readonly exportIntervalMillis: number;
  readonly exportTimeoutMillis: number;
  readonly shutdownTimeoutMillis: number;
  readonly tlsFiles: TlsFiles;
}

/** The PEM files to read at start. */
export interface TlsFiles {
  readonly certificate: NamedFile | undefined;
  readonly clientCertificate: NamedFile | undefined;
  readonly clientKey: NamedFile | undefined;
}

export interface NamedFile {
  readonly path: string;
  /** The option or variable it comes from, for error messages. */
  readonly who: string;
}

/**
 * Reads and checks options and environment.
 *
 * @throws Error naming the option or variable, what was found and what is allowed. Header values are never shown.
 */
export function resolveSettings(options: OtlpOptions, environment: NodeJS.ProcessEnv): OtlpSettings {
  checkOptionNames(options);
  const find = finder(options, environment);
  const tlsFiles = {
    certificate: file(find("certificate", "CERTIFICATE")),
    clientCertificate: file(find("clientCertificate", "CLIENT_CERTIFICATE")),
    clientKey: file(find("clientKey", "CLIENT_KEY")),
  };
  requireBoth(tlsFiles.clientCertificate, tlsFiles.clientKey);
  return {
    url: new URL(check(httpUrl, find("url") ?? findEndpoint(environment) ?? { value: defaultUrl, who: "the default" })),
    protocol: choose(protocols, find("protocol", "PROTOCOL")) ?? "http/protobuf",
    headers: resolveHeaders(options, environment),
    compression: choose(compressions, find("compression", "COMPRESSION")) ?? "none",
    temporality:
      choose(temporalities, find("temporality") ?? variable(environment, "METRICS_TEMPORALITY_PREFERENCE")) ??
      "cumulative",
    ...resolveTimes(options, environment),
    shutdownTimeoutMillis: time(find("shutdownTimeoutMillis")) ?? 3000,
    tlsFiles,
  };
}

/** A value to check, and where it comes from. */
interface Given {
  readonly value: unknown;
  readonly who: string;
}

const defaultUrl = "http://localhost:4318/v1/metrics";
const protocols = ["http/protobuf", "http/json"] as const;
const compressions = ["gzip", "none"] as const;
const temporalities = ["cumulative", "delta", "lowmemory"] as const;

// Timers take no more than 2^31 - 1 milliseconds: longer ones fire at once.
const longestTime = 2 ** 31 - 1;
const milliseconds = v.pipe(
  v.number(),
  v.integer(),
  v.minValue(1),
  v.maxValue(longestTime),
  v.metadata({ allowed: `a whole number of milliseconds from 1 to ${longestTime}` }),
);
const httpUrl = v.pipe(
  v.string(),
  v.trim(),
  v.check((text) => /^https?:\/\//i.test(text) && URL.canParse(text)),
  v.metadata({ allowed: "a URL that begins with http:// or https://" }),
);
const filePath = v.pipe(v.string(), v.trim(), v.minLength(1), v.metadata({ allowed: "the path of a PEM file" }));

const optionNames: Readonly<Record<keyof OtlpOptions, true>> = {
  url: true,
  protocol: true,
  headers: true,
  compression: true,
  temporality: true,
  exportIntervalMillis: true,
  exportTimeoutMillis: true,
  certificate: true,
  clientCertificate: true,
  clientKey: true,
  shutdownTimeoutMillis: true,
};

function checkOptionNames(options: OtlpOptions): void {
  if (typeof options !== "object" || options === null) throw wrong("the options", "an object", typeof options);
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(optionNames, name)) {
      throw wrong("an option", `one of ${Object.keys(optionNames).join(", ")}`, JSON.stringify(name));
    }
  }
}

/** Finds a setting: the option, else the metrics variable, else the general one. */
function finder(options: OtlpOptions, environment: NodeJS.ProcessEnv) {
  return (name: keyof OtlpOptions, suffix?: string): Given | undefined => {
    if (options[name] !== undefined) return { value: options[name], who: `option "${name}"` };
    return suffix === undefined
      ? undefined
      : (variable(environment, `METRICS_${suffix}`) ?? variable(environment, suffix));
  };
}

function variable(environment: NodeJS.ProcessEnv, suffix: string, prefix = "OTEL_EXPORTER_OTLP_"): Given | undefined {
  const value = environment[prefix + suffix]?.trim();
  return value ? { value, who: prefix + suffix } : undefined;
}

function findEndpoint(environment: NodeJS.ProcessEnv): Given | undefined {
  const exact = variable(environment, "METRICS_ENDPOINT");
  const general = variable(environment, "ENDPOINT");
  if (exact !== undefined || general === undefined) return exact;
  const base = check(httpUrl, general);
  return { ...general, value: `${base.replace(/\/$/, "")}/v1/metrics` };
}

function resolveHeaders(options: OtlpOptions, environment: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  const layers = [variable(environment, "HEADERS"), variable(environment, "METRICS_HEADERS")].map((given) =>
    given === undefined ? {} : parseHeaders(given.who, String(given.value)),
  );
  return mergeHeaders(...layers, checkHeaders('option "headers"', options.headers ?? {}));
}

function resolveTimes(options: OtlpOptions, environment: NodeJS.ProcessEnv) {
  const find = finder(options, environment);
  const exportIntervalMillis =
    time(find("exportIntervalMillis") ?? variable(environment, "INTERVAL", "OTEL_METRIC_EXPORT_")) ?? 60_000;
  const limit = find("exportTimeoutMillis") ?? variable(environment, "TIMEOUT", "OTEL_METRIC_EXPORT_");
  const limitMillis = time(limit);
  if (limit !== undefined && limitMillis !== undefined && limitMillis > exportIntervalMillis) {
    throw wrong(limit.who, `at most the export interval of ${exportIntervalMillis} ms`, String(limitMillis));
  }
  // The exporter's own timeout is shared by all signals, so one that is longer than our interval is no mistake.
  const shared = time(variable(environment, "METRICS_TIMEOUT") ?? variable(environment, "TIMEOUT")) ?? 10_000;
  const exportTimeoutMillis =
    options.exportTimeoutMillis ?? Math.min(shared, limitMillis ?? longestTime, exportIntervalMillis);
  return { exportIntervalMillis, exportTimeoutMillis };
}

function time(given: Given | undefined): number | undefined {
  if (given === undefined) return undefined;
  const value = given.who.startsWith("OTEL_") ? Number(given.value) : given.value;
  return check(milliseconds, { ...given, value }, given.value);
}

function choose<Choice extends string>(choices: readonly Choice[], given: Given | undefined): Choice | undefined {
  if (given === undefined) return undefined;
  const value = given.who.startsWith("OTEL_") ? String(given.value).toLowerCase() : given.value;
  const allowed = choices.map((choice) => `"${choice}"`).join(" or ");
  const hint = value === "grpc" ? ": for gRPC use http/protobuf instead, which collectors take on port 4318" : "";
  const schema = v.pipe(v.picklist(choices), v.metadata({ allowed }));
  return check(schema, { ...given, value }, given.value, hint);
}

function file(given: Given | undefined): NamedFile | undefined {
  return given === undefined ? undefined : { path: check(filePath, given), who: given.who };
}

function requireBoth(certificate: NamedFile | undefined, key: NamedFile | undefined): void {
  if (certificate !== undefined && key === undefined)
    throw wrong(certificate.who, "set together with its key", "no key");
  if (key !== undefined && certificate === undefined) {
    throw wrong(key.who, "set together with its certificate", "no certificate");
  }
}

function check<Output>(
  schema: v.GenericSchema<unknown, Output>,
  given: Given,
  found: unknown = given.value,
  hint = "",
): Output {
  const result = v.safeParse(schema, given.value);
  if (result.success) return result.output;
  throw wrong(given.who, String(v.getMetadata(schema)["allowed"]), show(found) + hint);
}

/** What was found, short and without the credentials a URL may carry. */
function show(found: unknown): string {
  if (typeof found !== "string") return Array.isArray(found) ? "an array" : String(found);
  const safe = found.replace(/^([a-z+.-]+:\/\/)?.*@/is, "$1…@").replace(/\?.*$/s, "?…");
  return JSON.stringify(safe.length > 100 ? `${safe.slice(0, 100)}…` : safe);
}

function wrong(who: string, allowed: string, found: string): Error {
  return new Error(`[meterbridge] [otlp] ${who} must be ${allowed}, found ${found}`);
}
