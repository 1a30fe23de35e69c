import type { Agent } from "node:http";
import { createRequire } from "node:module";
import { type DiagLogger, type LoggerProvider, logs } from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import type { LogRecordExporter, LogRecordProcessor } from "@opentelemetry/sdk-logs";
import { boundedLogs } from "./bounded-logs.ts";
import type { FileProcessor } from "./config-file-settings.ts";
import { withoutOtelVariables } from "./hidden-variables.ts";
import { type OtlpTargetOptions, otlpTargetOptions } from "./otlp-target.ts";
import type { Pipeline } from "./pipeline.ts";
import { registeredApi } from "./registered-api.ts";
import type { LogSettings } from "./settings-signals.ts";
import { watchedExporter } from "./watched-span-exporter.ts";

/** The log records of this process, as far as `start()` has to do with them. */
export interface Logs {
  readonly pipelines: readonly Pipeline[];
  /** For the status line; undefined where logs are off. */
  readonly summary: string | undefined;
  unregister(): void;
}

/**
 * Registers a logger provider that batches log records to the exporters of the settings, unless there is one already. Who writes them
 * is `@meterbridge/http/logs`, or any bridge of OpenTelemetry. The SDK is loaded at the first logger: an application that names an
 * endpoint for its other signals, and has no such logger, does not pay for it.
 */
export function startLogs(settings: LogSettings, resource: Resource, logger: DiagLogger): Logs {
  if (settings.exporters.length === 0) return nothing(undefined);
  if (registeredApi()?.logs !== undefined) return nothing("logs by the logger provider that is already registered");
  const createNow = (): ReturnType<typeof createProvider> => createProvider(settings, resource, logger);
  const create = settings.isFromFile ? () => withoutOtelVariables(createNow) : createNow;
  let provider: ReturnType<typeof createProvider> | undefined;
  const lazily: LoggerProvider = {
    getLogger: (...given) => (provider ??= create()).getLogger(...given),
  };
  if (!logs.setGlobalLoggerProvider(lazily)) return nothing("logs off (conflict of @opentelemetry/api versions)");
  return {
    pipelines: [
      {
        name: "logs",
        forceFlush: async (timeoutMillis) => provider?.forceFlush({ timeoutMillis }),
        shutdown: async () => provider?.shutdown(),
      },
    ],
    summary: `logs ${settings.exporters.join(", ")}`,
    unregister: () => logs.disable(),
  };
}

function nothing(summary: string | undefined): Logs {
  return { pipelines: [], summary, unregister: () => {} };
}

const require = createRequire(import.meta.url);

function logsSdk(): typeof import("@opentelemetry/sdk-logs") {
  return require("@opentelemetry/sdk-logs") as typeof import("@opentelemetry/sdk-logs");
}

function createProvider(settings: LogSettings, resource: Resource, logger: DiagLogger) {
  const { LoggerProvider } = logsSdk();
  return new LoggerProvider({
    resource,
    logRecordLimits: settings.limits,
    processors: settings.processors.map((processor) =>
      processor.exporter === "console" ? consoleProcessor(processor) : otlpProcessor(settings, processor, logger),
    ),
  });
}

function consoleProcessor({ batch }: FileProcessor): LogRecordProcessor {
  const { BatchLogRecordProcessor, ConsoleLogRecordExporter, SimpleLogRecordProcessor } = logsSdk();
  const exporter = new ConsoleLogRecordExporter();
  return batch === undefined
    ? new SimpleLogRecordProcessor({ exporter })
    : new BatchLogRecordProcessor({ ...batch, exporter });
}

function otlpProcessor(settings: LogSettings, { batch, otlp }: FileProcessor, logger: DiagLogger): LogRecordProcessor {
  const { BatchLogRecordProcessor, SimpleLogRecordProcessor } = logsSdk();
  const { protocol, timeoutMillis } = otlp ?? settings;
  let agent: Agent | undefined;
  const exporter = createOtlpExporter(protocol, {
    ...otlpTargetOptions(otlp),
    timeoutMillis,
    httpAgentOptions: async (scheme) => {
      const { Agent } = await (scheme === "http:" ? import("node:http") : import("node:https"));
      return (agent = new Agent({ keepAlive: true, ...otlp?.tls }));
    },
  });
  const watched = watchedExporter(exporter, {
    logger,
    timeoutMillis,
    abandon: () => agent?.destroy(),
    signal: "logs",
    items: "log records",
  });
  if (batch === undefined) return new SimpleLogRecordProcessor({ exporter: watched });
  const createBatches: Parameters<typeof boundedLogs>[2] = (bounded, maxQueueSize) =>
    new BatchLogRecordProcessor({
      ...batch,
      exporter: bounded,
      maxQueueSize,
      // The watched exporter answers first.
      exportTimeoutMillis: timeoutMillis + 1000,
    });
  return boundedLogs(watched, logger, createBatches, batch.maxQueueSize);
}

interface OtlpOptions extends OtlpTargetOptions {
  readonly timeoutMillis: number;
  httpAgentOptions(scheme: string): Promise<Agent>;
}

function createOtlpExporter(protocol: LogSettings["protocol"], options: OtlpOptions): LogRecordExporter {
  const { OTLPLogExporter } =
    protocol === "http/json"
      ? (require("@opentelemetry/exporter-logs-otlp-http") as typeof import("@opentelemetry/exporter-logs-otlp-http"))
      : (require("@opentelemetry/exporter-logs-otlp-proto") as typeof import("@opentelemetry/exporter-logs-otlp-proto"));
  return new OTLPLogExporter(options);
}
