import type { Agent } from "node:http";
import { createRequire } from "node:module";
import { type DiagLogger, trace } from "@opentelemetry/api";
import type { SpanProcessorLike } from "@meterbridge/genai";
import type { Resource } from "@opentelemetry/resources";
import type { Sampler, SpanExporter, SpanProcessor } from "@opentelemetry/sdk-trace";
import type { FileProcessor } from "./config-file-settings.ts";
import { type OtlpTargetOptions, otlpTargetOptions } from "./otlp-target.ts";
import type { Pipeline } from "./pipeline.ts";
import { urlRedactor } from "./redact-urls.ts";
import { registeredApi } from "./registered-api.ts";
import type { TraceSettings } from "./settings-signals.ts";
import { watchedSpanExporter } from "./watched-span-exporter.ts";

/** The spans of this process, as far as `start()` has to do with them. */
export interface Traces {
  readonly pipelines: readonly Pipeline[];
  /** For the status line. */
  readonly summary: string;
  unregister(): void;
}

/** Whether {@link startTraces} makes spans, by these settings and what is registered so far. */
export function isTracing(settings: TraceSettings): boolean {
  return settings.exporters.length > 0 && registeredApi()?.trace === undefined;
}

/**
 * Registers a tracer provider that batches spans to the exporters of the settings, unless there is one already. `spanMeters` make meters
 * of them before. The trace SDK is loaded here and not before: who sends no spans does not pay for it.
 */
export function startTraces(
  settings: TraceSettings,
  resource: Resource,
  logger: DiagLogger,
  spanMeters: readonly SpanProcessorLike[] = [],
): Traces {
  if (settings.exporters.length === 0) return nothing("traces off");
  if (registeredApi()?.trace !== undefined) return nothing("traces by the tracer provider that is already registered");
  const { TracerProvider } = traceSdk();
  const provider = new TracerProvider({
    resource,
    sampler: createSampler(settings),
    spanLimits: settings.limits,
    spanProcessors: [
      urlRedactor(),
      ...(spanMeters as readonly SpanProcessor[]),
      ...settings.processors.map((processor) =>
        processor.exporter === "console" ? consoleProcessor(processor) : otlpProcessor(settings, processor, logger),
      ),
    ],
  });
  if (!trace.setGlobalTracerProvider(provider)) return nothing("traces off (conflict of @opentelemetry/api versions)");
  return {
    pipelines: [
      {
        name: "traces",
        forceFlush: (timeoutMillis) => provider.forceFlush({ timeoutMillis }),
        shutdown: () => provider.shutdown(),
      },
    ],
    summary: `traces ${settings.exporters.join(", ")}`,
    unregister: () => trace.disable(),
  };
}

function nothing(summary: string): Traces {
  return { pipelines: [], summary, unregister: () => {} };
}

const require = createRequire(import.meta.url);

function traceSdk(): typeof import("@opentelemetry/sdk-trace") {
  return require("@opentelemetry/sdk-trace") as typeof import("@opentelemetry/sdk-trace");
}

function consoleProcessor({ batch }: FileProcessor): SpanProcessor {
  const { BatchSpanProcessor, ConsoleSpanExporter, SimpleSpanProcessor } = traceSdk();
  const exporter = new ConsoleSpanExporter();
  return batch === undefined ? new SimpleSpanProcessor({ exporter }) : new BatchSpanProcessor({ ...batch, exporter });
}

function otlpProcessor(settings: TraceSettings, { batch, otlp }: FileProcessor, logger: DiagLogger): SpanProcessor {
  const { BatchSpanProcessor, SimpleSpanProcessor } = traceSdk();
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
  const watched = watchedSpanExporter(exporter, { logger, timeoutMillis, abandon: () => agent?.destroy() });
  if (batch === undefined) return new SimpleSpanProcessor({ exporter: watched });
  return new BatchSpanProcessor({
    ...batch,
    exporter: watched,
    // The watched exporter answers first.
    exportTimeoutMillis: timeoutMillis + 1000,
  });
}

interface OtlpOptions extends OtlpTargetOptions {
  readonly timeoutMillis: number;
  httpAgentOptions(scheme: string): Promise<Agent>;
}

function createOtlpExporter(protocol: TraceSettings["protocol"], options: OtlpOptions): SpanExporter {
  const { OTLPTraceExporter } =
    protocol === "http/json"
      ? (require("@opentelemetry/exporter-trace-otlp-http") as typeof import("@opentelemetry/exporter-trace-otlp-http"))
      : (require("@opentelemetry/exporter-trace-otlp-proto") as typeof import("@opentelemetry/exporter-trace-otlp-proto"));
  return new OTLPTraceExporter(options);
}

function createSampler({ sampler, sampledShare }: TraceSettings): Sampler {
  const { AlwaysOffSampler, AlwaysOnSampler, ParentBasedSampler, TraceIdRatioBasedSampler } = traceSdk();
  const roots = {
    always_on: () => new AlwaysOnSampler(),
    always_off: () => new AlwaysOffSampler(),
    traceidratio: () => new TraceIdRatioBasedSampler(sampledShare),
  };
  const root = roots[sampler.replace("parentbased_", "") as keyof typeof roots]();
  return sampler.startsWith("parentbased_") ? new ParentBasedSampler({ root }) : root;
}
