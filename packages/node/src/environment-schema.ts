import type { AttributionLabel } from "@meterbridge/core";
import * as v from "valibot";
import { type HostPattern, parseHostPattern } from "./baggage-hosts.ts";
import { captureVariables } from "./environment-capture.ts";
import { lowerCase, names, trueOrFalse, variable } from "./environment-values.ts";
import type { EnvironmentValues, EnvironmentVariable } from "./environment-variables.ts";
import { parsePairs } from "./parse-lists.ts";

const logLevel = v.pipe(lowerCase, v.picklist(["none", "error", "warn", "info", "debug", "verbose", "all"]));
const otlpProtocol = v.pipe(lowerCase, v.picklist(["http/protobuf", "http/json", "grpc"]));
const spanAndLogExporters = v.pipe(
  names,
  v.array(v.picklist(["otlp", "console", "none"])),
  v.check((list) => new Set(list).size === list.length && (list.length === 1 || !list.includes("none"))),
);
const httpUrl = v.pipe(
  v.string(),
  v.url(),
  v.check((value) => /^https?:/i.test(value)),
);
const wholeNumber = (from: number, to: number) =>
  v.pipe(v.string(), v.regex(/^\d+$/), v.transform(Number), v.minValue(from), v.maxValue(to));

const LOG_LEVELS = "one of none, error, warn, info, debug, verbose, all";
const PROTOCOLS = "http/protobuf or http/json";
const SPAN_AND_LOG_EXPORTERS = "otlp, console or both, comma-separated, or none";
const TIMES = "a whole number of milliseconds from 1 to 3600000";
const ENDPOINT = "an http:// or https:// URL";

const variables = v.object({
  METERBRIDGE_EXPORTERS: variable(names, {
    sets: "Where the meters go, in a list.",
    allowed:
      "a comma-separated list of prometheus, otlp, datadog, console and names of installed exporter packages, or none",
    otherwise: "`OTEL_METRICS_EXPORTER`, else `prometheus`",
  }),
  OTEL_METRICS_EXPORTER: variable(names, {
    sets: "The same by OpenTelemetry's name.",
    allowed: "as for METERBRIDGE_EXPORTERS",
    otherwise: "",
  }),
  METERBRIDGE_NAMESPACE: variable(v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$/i)), {
    sets: "Prefix of the names of our own meters.",
    allowed: "letters, digits, dots and underscores, beginning with a letter",
    otherwise: "no prefix",
  }),
  METERBRIDGE_ATTRIBUTION_LABELS: variable(
    v.pipe(
      names,
      v.array(v.picklist(["tenant", "employee", "project", "none"])),
      v.check((list) => list.length === 1 || !list.includes("none")),
      v.transform((list) => list.filter((label): label is AttributionLabel => label !== "none")),
    ),
    {
      sets: "Which parts of the attribution become labels.",
      allowed: "a comma-separated list of tenant, employee, project, or none",
      otherwise: "`tenant`",
    },
  ),
  METERBRIDGE_ATTRIBUTION_BAGGAGE: variable(trueOrFalse, {
    sets: "Whether the attribution crosses services in W3C baggage, as far as the next two allow.",
    allowed: "true or false",
    otherwise: "`true`",
  }),
  METERBRIDGE_BAGGAGE_HOSTS: variable(
    v.pipe(
      names,
      v.transform((list) => list.map(parseHostPattern)),
      v.array(v.custom<HostPattern>((value) => value !== undefined)),
    ),
    {
      sets: "The hosts that the attribution is sent to, user ids included.",
      allowed:
        "a comma-separated list of hosts such as billing.internal, *.internal, localhost:8080, or * for every host",
      otherwise: "no host",
    },
  ),
  METERBRIDGE_BAGGAGE_TRUSTED: variable(trueOrFalse, {
    sets: "Whether the attribution that callers send is taken: whoever can call is then whom he says to be.",
    allowed: "true or false",
    otherwise: "`false`",
  }),
  METERBRIDGE_INSTRUMENTATIONS: variable(names, {
    sets: "What is metered and traced without a word in the application ([instrumentations](instrumentations.md)).",
    allowed: "a comma-separated list of requests, databases and names of instrumentations, or auto, or none",
    otherwise: "`requests,databases`, and with spans the installed ones that fit",
  }),
  ...captureVariables,
  METERBRIDGE_SERIES_LIMIT: variable(wholeNumber(2, 1_000_000), {
    sets: "How many series one meter may have, overflow included; the rest goes to `other`.",
    allowed: "a whole number from 2 to 1000000",
    otherwise: "`2000`",
  }),
  METERBRIDGE_SERIES_LIMITS: variable(
    v.pipe(v.string(), v.rawTransform(parsePairs), v.record(v.string(), wholeNumber(2, 1_000_000))),
    {
      sets: "The same for single meters, such as `llm.cost=10000`.",
      allowed: "a comma-separated list of meter=whole number from 2 to 1000000",
      otherwise: "none",
    },
  ),
  METERBRIDGE_GENAI_SEMCONV: variable(v.pipe(lowerCase, v.picklist(["dup", "latest", "v1.41"])), {
    sets: "Which generation of the GenAI conventions is recorded.",
    allowed: "one of dup, latest, v1.41",
    otherwise: "`OTEL_SEMCONV_STABILITY_OPT_IN`, else `dup`",
  }),
  OTEL_SEMCONV_STABILITY_OPT_IN: variable(names, {
    sets: "The same by OpenTelemetry's name: `gen_ai_latest_experimental` is latest, `gen_ai/dup` is dup; other entries are not ours.",
    allowed: "a comma-separated list",
    otherwise: "",
  }),
  METERBRIDGE_LEDGER: variable(v.pipe(lowerCase, v.picklist(["sqlite", "postgresql", "off"])), {
    sets: "Where usage events are kept. `postgresql` is the database of `DATABASE_URL`.",
    allowed: "one of sqlite, postgresql, off",
    otherwise: "`sqlite` when `@meterbridge/ledger` is installed, else `off`",
  }),
  METERBRIDGE_LEDGER_DIRECTORY: variable(v.string(), {
    sets: "Directory of the SQLite database and of what waits for a store that is away.",
    allowed: "a path",
    otherwise: "`.meterbridge` in the working directory",
  }),
  METERBRIDGE_LEDGER_RETENTION_MONTHS: variable(wholeNumber(1, 1200), {
    sets: "For how many whole months rows are kept; their sums stay.",
    allowed: "a whole number from 1 to 1200",
    otherwise: "for ever",
  }),
  METERBRIDGE_LEDGER_COUNTERS: variable(v.pipe(lowerCase, v.picklist(["redis", "none"])), {
    sets: "Hot counters of the ledger. `redis` is the server of `REDIS_URL`.",
    allowed: "redis or none",
    otherwise: "`none`",
  }),
  METERBRIDGE_TRACES_EXPORTER: variable(spanAndLogExporters, {
    sets: "Where spans go.",
    allowed: SPAN_AND_LOG_EXPORTERS,
    otherwise: "`OTEL_TRACES_EXPORTER`, else `otlp` when an endpoint below is set, else `none`",
  }),
  OTEL_TRACES_EXPORTER: variable(spanAndLogExporters, {
    sets: "The same by OpenTelemetry's name.",
    allowed: SPAN_AND_LOG_EXPORTERS,
    otherwise: "",
  }),
  METERBRIDGE_LOGS_EXPORTER: variable(spanAndLogExporters, {
    sets: "Where log records go.",
    allowed: SPAN_AND_LOG_EXPORTERS,
    otherwise: "`OTEL_LOGS_EXPORTER`, else `otlp` when an endpoint below is set, else `none`",
  }),
  OTEL_LOGS_EXPORTER: variable(spanAndLogExporters, {
    sets: "The same by OpenTelemetry's name.",
    allowed: SPAN_AND_LOG_EXPORTERS,
    otherwise: "",
  }),
  OTEL_EXPORTER_OTLP_ENDPOINT: variable(httpUrl, {
    sets: "The OTLP endpoint of all signals; setting it switches traces and logs on.",
    allowed: ENDPOINT,
    otherwise: "`http://localhost:4318`",
  }),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: variable(httpUrl, {
    sets: "The OTLP endpoint of traces, with its path; setting it switches traces on.",
    allowed: ENDPOINT,
    otherwise: "`OTEL_EXPORTER_OTLP_ENDPOINT` + `/v1/traces`",
  }),
  OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: variable(httpUrl, {
    sets: "The OTLP endpoint of logs, with its path; setting it switches logs on.",
    allowed: ENDPOINT,
    otherwise: "`OTEL_EXPORTER_OTLP_ENDPOINT` + `/v1/logs`",
  }),
  OTEL_EXPORTER_OTLP_PROTOCOL: variable(otlpProtocol, {
    sets: "The OTLP protocol of all signals.",
    allowed: PROTOCOLS,
    otherwise: "`http/protobuf`",
  }),
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: variable(otlpProtocol, {
    sets: "The OTLP protocol of traces.",
    allowed: PROTOCOLS,
    otherwise: "`OTEL_EXPORTER_OTLP_PROTOCOL`",
  }),
  OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: variable(otlpProtocol, {
    sets: "The OTLP protocol of logs.",
    allowed: PROTOCOLS,
    otherwise: "`OTEL_EXPORTER_OTLP_PROTOCOL`",
  }),
  OTEL_EXPORTER_OTLP_TIMEOUT: variable(wholeNumber(1, 3_600_000), {
    sets: "How long one OTLP export may take, retries included. For traces and logs at most nine tenths of the shutdown timeout.",
    allowed: TIMES,
    otherwise: "`10000`",
  }),
  OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: variable(wholeNumber(1, 3_600_000), {
    sets: "The same for traces.",
    allowed: TIMES,
    otherwise: "`OTEL_EXPORTER_OTLP_TIMEOUT`",
  }),
  OTEL_EXPORTER_OTLP_LOGS_TIMEOUT: variable(wholeNumber(1, 3_600_000), {
    sets: "The same for logs.",
    allowed: TIMES,
    otherwise: "`OTEL_EXPORTER_OTLP_TIMEOUT`",
  }),
  OTEL_TRACES_SAMPLER: variable(
    v.pipe(
      lowerCase,
      v.picklist([
        "always_on",
        "always_off",
        "traceidratio",
        "parentbased_always_on",
        "parentbased_always_off",
        "parentbased_traceidratio",
      ]),
    ),
    {
      sets: "Which traces are kept.",
      allowed:
        "one of always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off, parentbased_traceidratio",
      otherwise: "`parentbased_always_on`",
    },
  ),
  OTEL_TRACES_SAMPLER_ARG: variable(v.pipe(v.string(), v.transform(Number), v.number(), v.minValue(0), v.maxValue(1)), {
    sets: "The share of traces kept by a `traceidratio` sampler.",
    allowed: "a number from 0 to 1",
    otherwise: "`1`",
  }),
  OTEL_METRIC_EXPORT_INTERVAL: variable(wholeNumber(1, 86_400_000), {
    sets: "How often the `console` exporter prints, in milliseconds.",
    allowed: "a whole number of milliseconds from 1 to 86400000",
    otherwise: "`60000`",
  }),
  OTEL_METRICS_EXEMPLAR_FILTER: variable(v.pipe(lowerCase, v.picklist(["always_on", "always_off", "trace_based"])), {
    sets: "Which measurements keep their trace, as exemplars; OpenTelemetry's default, `trace_based`, doubles what a recording costs.",
    allowed: "one of always_on, always_off, trace_based",
    otherwise: "`always_off`",
  }),
  OTEL_SERVICE_NAME: variable(v.string(), {
    sets: "The service's name, `service.name`.",
    allowed: "any text",
    otherwise: "`service.name` of the next line, else the application's package.json",
  }),
  OTEL_RESOURCE_ATTRIBUTES: variable(v.pipe(v.string(), v.rawTransform(parsePairs)), {
    sets: "Attributes of the resource, such as `deployment.environment.name`.",
    allowed: "a comma-separated list of key=value, with percent-encoding for commas and equals signs",
    otherwise: "none",
  }),
  METERBRIDGE_LOG_LEVEL: variable(logLevel, {
    sets: "How much is told on stderr. `error` and `none` also hide the status line.",
    allowed: LOG_LEVELS,
    otherwise: "`OTEL_LOG_LEVEL`, else `warn`",
  }),
  OTEL_LOG_LEVEL: variable(logLevel, {
    sets: "The same by OpenTelemetry's name.",
    allowed: LOG_LEVELS,
    otherwise: "",
  }),
  METERBRIDGE_SHUTDOWN_TIMEOUT: variable(wholeNumber(1, 3_600_000), {
    sets: "How long the last flush may hold the process, in milliseconds, all exporters together.",
    allowed: TIMES,
    otherwise: "`3000`",
  }),
  METERBRIDGE_HANDLE_SIGNALS: variable(trueOrFalse, {
    sets: "Whether SIGTERM and SIGINT flush before they take effect.",
    allowed: "true or false",
    otherwise: "`true`",
  }),
  METERBRIDGE_DISABLED: variable(trueOrFalse, {
    sets: "Switches everything off.",
    allowed: "true or false",
    otherwise: "`OTEL_SDK_DISABLED`, else `false`",
  }),
  OTEL_SDK_DISABLED: variable(trueOrFalse, {
    sets: "The same by OpenTelemetry's name.",
    allowed: "true or false",
    otherwise: "",
  }),
  OTEL_CONFIG_FILE: variable(v.string(), {
    sets: "A file of OpenTelemetry's declarative configuration, which takes the place of all other `OTEL_*` variables ([configuration file](configuration-file.md)).",
    allowed: "a path",
    otherwise: "none",
  }),
  OTEL_EXPERIMENTAL_CONFIG_FILE: variable(v.string(), {
    sets: "The old name of `OTEL_CONFIG_FILE`. It has no effect but a warning.",
    allowed: "a path",
    otherwise: "",
  }),
});

/** Takes the variables that are set, and gives what they mean. */
export const environmentSchema: v.GenericSchema<unknown, EnvironmentValues> = variables;

/** Every variable that this package reads, in the order of the documentation. */
export const environmentVariables: readonly EnvironmentVariable[] = Object.entries(variables.entries).map(
  ([name, entry]) => ({ name, ...(v.getMetadata(entry.wrapped) as Omit<EnvironmentVariable, "name">) }),
);
