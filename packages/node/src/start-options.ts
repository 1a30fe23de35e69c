import type { DiagLogger, MeterProvider } from "@opentelemetry/api";
import type { CoreOptions, PriceBook } from "@meterbridge/core";
import type { Exporter } from "@meterbridge/exporter";
import * as v from "valibot";
import { parseHostPattern } from "./baggage-hosts.ts";
import type { Instrumentation } from "./instrumentations-official.ts";
import type { UsageLedger } from "./ledger.ts";
import type { CaptureDoor, LedgerName, LogLevel, LogsExporter, TracesExporter } from "./environment-variables.ts";

/** Those of core's options that have an environment variable. */
type RecordingOptions = Pick<
  CoreOptions,
  "namespace" | "attributionLabels" | "attributionBaggage" | "seriesLimit" | "seriesLimits" | "genaiSemconv"
>;

/** Options of `start()`. An option that is given wins over its environment variable. */
export interface StartOptions extends RecordingOptions {
  /**
   * Where the meters go: exporters, or their names as in the environment (`"prometheus"`, `"otlp"`,
   * `"console"`, or an installed package that exports `createExporter`). An empty list records nothing.
   * Environment: `METERBRIDGE_EXPORTERS`, else `OTEL_METRICS_EXPORTER`.
   * @default ["prometheus"]
   */
  readonly exporters?: readonly (Exporter | string)[];
  /**
   * The service's name, `service.name`. Environment: `OTEL_SERVICE_NAME`, else `OTEL_RESOURCE_ATTRIBUTES`.
   * @default the name in the package.json nearest to the main script
   */
  readonly serviceName?: string;
  /**
   * Attributes of the resource, for example `{ "deployment.environment.name": "production" }`, laid over those of
   * `OTEL_RESOURCE_ATTRIBUTES`.
   */
  readonly resourceAttributes?: Readonly<Record<string, string | number | boolean>>;
  /**
   * What prices model calls; null leaves every call unpriced. No environment variable.
   * @default the price book of `@meterbridge/genai`, whose data is loaded at the first call
   */
  readonly priceBook?: PriceBook | null;
  /**
   * A JSON file of prices of your own, which go before those of the default price book. Environment: `METERBRIDGE_PRICES_FILE`.
   * @default none
   */
  readonly pricesFile?: string;
  /**
   * By what model calls are metered without a word in the application: `"fetch"`, the requests that go through the global `fetch`, and
   * `"spans"`, those that frameworks make of them. An empty list: nothing. docs/capture.md tells what is seen and what is not. Environment:
   * `METERBRIDGE_CAPTURE`.
   * @default ["fetch", "spans"]
   */
  readonly capture?: readonly CaptureDoor[];
  /**
   * Whether a stream of an OpenAI-shaped provider is asked for its usage where the caller did not ask. The caller does not see what is sent for
   * that. Environment: `METERBRIDGE_CAPTURE_ASK_FOR_USAGE`.
   * @default true
   */
  readonly captureAskForUsage?: boolean;
  /**
   * Hosts of yours that speak a known provider's language, such as `{ "llm.internal": "openai" }`. Environment: `METERBRIDGE_CAPTURE_HOSTS`.
   * @default {}
   */
  readonly captureHosts?: Readonly<Record<string, string>>;
  /**
   * Models whose names are labels even before a provider has answered to them. Environment: `METERBRIDGE_CAPTURE_MODELS`.
   * @default those of the price book
   */
  readonly captureModels?: readonly string[];
  /**
   * What counts tokens where a provider tells none: the application's own tokenizer library where it has one, or characters. Environment:
   * `METERBRIDGE_CAPTURE_TOKENIZER`.
   * @default "auto"
   */
  readonly captureTokenizer?: "auto" | "characters";
  /**
   * Another meter provider to record into. None of ours is made then, and `exporters` is not allowed: that provider has
   * its own. No environment variable.
   */
  readonly meterProvider?: MeterProvider;
  /**
   * Where spans go. Environment: `METERBRIDGE_TRACES_EXPORTER`, else `OTEL_TRACES_EXPORTER`.
   * @default "otlp" when `OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` is set, else "none"
   */
  readonly traces?: TracesExporter;
  /**
   * Where log records go: the lines of `@meterbridge/http/logs`, and of whatever else writes to OpenTelemetry's logs. Environment:
   * `METERBRIDGE_LOGS_EXPORTER`, else `OTEL_LOGS_EXPORTER`.
   * @default "otlp" when `OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_LOGS_ENDPOINT` is set, else "none"
   */
  readonly logs?: LogsExporter;
  /**
   * What is metered and traced without a word in the application: `"requests"` and `"databases"`, which are our own meters; official
   * instrumentations by their short names (`"http"`, `"pg"`), other installed packages of instrumentations by their full ones, or objects
   * of them; `["auto"]` for our own and everything of `@opentelemetry/auto-instrumentations-node`. An empty list, or `["none"]`: nothing.
   * docs/instrumentations.md tells what each does. Environment: `METERBRIDGE_INSTRUMENTATIONS`.
   * @default ["requests", "databases"], and when spans are made, the official ones that are installed together with what they instrument
   */
  readonly instrumentations?: readonly (Instrumentation | string)[];
  /**
   * The hosts that attribution, user ids included, is sent to in W3C baggage: `"billing.internal"`, `"*.internal"`, `"localhost:8080"`,
   * or `"*"` for every host. Requests to others go without. Environment: `METERBRIDGE_BAGGAGE_HOSTS`.
   * @default []
   */
  readonly baggageHosts?: readonly string[];
  /**
   * Whether the attribution that comes in by baggage is taken. Whoever can call this service can then say on whose behalf, so leave it off
   * where callers are not services of your own. Environment: `METERBRIDGE_BAGGAGE_TRUSTED`.
   * @default false
   */
  readonly baggageTrusted?: boolean;
  /**
   * Where usage events are kept: a ledger made with `@meterbridge/ledger`, or `"sqlite"`, `"postgresql"` (the database of
   * `DATABASE_URL`), `"off"`. Environment: `METERBRIDGE_LEDGER`.
   * @default "sqlite" when `@meterbridge/ledger` is installed, else "off"
   */
  readonly ledger?: UsageLedger | LedgerName;
  /**
   * How long the last flush may hold the process, in milliseconds, all exporters together. Environment:
   * `METERBRIDGE_SHUTDOWN_TIMEOUT`.
   * @default 3000
   */
  readonly shutdownTimeoutMillis?: number;
  /**
   * Whether SIGTERM and SIGINT flush before they take effect. A process that has no handler of its own still ends by the
   * signal; one that has keeps its behaviour. Environment: `METERBRIDGE_HANDLE_SIGNALS`.
   * @default true
   */
  readonly handleSignals?: boolean;
  /**
   * Takes what OpenTelemetry, the exporters and this package have to tell, the status line included (at info level).
   * No environment variable.
   * @default a logger that prints to stderr, a line each, unless the application has set one with `diag.setLogger`
   */
  readonly diagLogger?: DiagLogger;
  /**
   * How much is told. `"error"` and `"none"` also hide the status line. Environment: `METERBRIDGE_LOG_LEVEL`, else
   * `OTEL_LOG_LEVEL`.
   * @default "warn"
   */
  readonly logLevel?: LogLevel;
}

/** @throws Error of one line, naming the option, what was found and what is allowed. */
export function checkOptions(options: StartOptions): void {
  const result = v.safeParse(optionsSchema, options, { abortEarly: true });
  if (result.success) return;
  const [issue] = result.issues;
  const [place] = issue.path ?? [];
  const name = String(place?.key);
  if (place === undefined) throw new Error(`[meterbridge] start() takes an object of options, found ${issue.received}`);
  const known = optionsSchema.entries[name as keyof StartOptions];
  if (known === undefined) {
    const names = Object.keys(optionsSchema.entries).join(", ");
    throw new Error(`[meterbridge] option "${name}" is unknown; known are ${names}`);
  }
  const found = show(options[name as keyof StartOptions]);
  throw new Error(`[meterbridge] option "${name}" must be ${v.getMetadata(known.wrapped).allowed}, found ${found}`);
}

function option<Schema extends v.GenericSchema>(schema: Schema, allowed: string) {
  return v.optional(v.pipe(schema, v.metadata({ allowed })));
}

const withMethod = (name: string) =>
  v.custom((value) => typeof value === "object" && value !== null && typeof Reflect.get(value, name) === "function");

const seriesLimit = v.pipe(v.number(), v.integer(), v.minValue(2), v.maxValue(1_000_000));

const optionsSchema = v.strictObject({
  exporters: option(
    v.array(v.union([v.pipe(v.string(), v.nonEmpty()), withMethod("createReader")])),
    "a list of exporters or their names",
  ),
  serviceName: option(v.pipe(v.string(), v.nonEmpty()), "text that is not empty"),
  resourceAttributes: option(
    v.record(v.string(), v.union([v.string(), v.number(), v.boolean()])),
    "an object of texts, numbers and booleans",
  ),
  namespace: option(
    v.pipe(v.string(), v.regex(/^([a-z][a-z0-9_]*(\.[a-z0-9_]+)*)?$/i)),
    "letters, digits, dots and underscores, beginning with a letter",
  ),
  attributionLabels: option(
    v.array(v.picklist(["tenant", "employee", "project"])),
    "a list of tenant, employee, project",
  ),
  attributionBaggage: option(v.boolean(), "true or false"),
  seriesLimit: option(seriesLimit, "a whole number from 2 to 1000000"),
  seriesLimits: option(
    v.record(v.string(), seriesLimit),
    "an object of meter names to whole numbers from 2 to 1000000",
  ),
  genaiSemconv: option(v.picklist(["dup", "latest", "v1.41"]), "one of dup, latest, v1.41"),
  priceBook: option(v.nullable(withMethod("price")), "a price book or null"),
  pricesFile: option(v.pipe(v.string(), v.nonEmpty()), "a path"),
  capture: option(v.array(v.picklist(["fetch", "spans"])), "a list of fetch, spans"),
  captureAskForUsage: option(v.boolean(), "true or false"),
  captureHosts: option(v.record(v.string(), v.string()), "an object of hosts to providers"),
  captureModels: option(v.array(v.pipe(v.string(), v.nonEmpty())), "a list of names of models"),
  captureTokenizer: option(v.picklist(["auto", "characters"]), "one of auto, characters"),
  meterProvider: option(withMethod("getMeter"), "a meter provider"),
  traces: option(v.picklist(["otlp", "console", "none"]), "one of otlp, console, none"),
  logs: option(v.picklist(["otlp", "console", "none"]), "one of otlp, console, none"),
  ledger: option(
    v.union([v.picklist(["sqlite", "postgresql", "off"]), withMethod("write")]),
    "a ledger or one of sqlite, postgresql, off",
  ),
  instrumentations: option(
    v.array(v.union([v.pipe(v.string(), v.nonEmpty()), withMethod("setTracerProvider")])),
    "a list of instrumentations or their names",
  ),
  baggageHosts: option(
    v.array(
      v.pipe(
        v.string(),
        v.check((text) => parseHostPattern(text) !== undefined),
      ),
    ),
    "a list of hosts such as billing.internal, *.internal, localhost:8080, or * for every host",
  ),
  baggageTrusted: option(v.boolean(), "true or false"),
  shutdownTimeoutMillis: option(
    v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(3_600_000)),
    "a whole number of milliseconds from 1 to 3600000",
  ),
  handleSignals: option(v.boolean(), "true or false"),
  diagLogger: option(withMethod("error"), "a diag logger"),
  logLevel: option(
    v.picklist(["none", "error", "warn", "info", "debug", "verbose", "all"]),
    "one of none, error, warn, info, debug, verbose, all",
  ),
});

function show(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return typeof value;
  }
}
