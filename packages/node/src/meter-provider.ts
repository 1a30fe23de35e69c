import { diag, type DiagLogger, type MeterProvider as ApiMeterProvider } from "@opentelemetry/api";
import type { Exporter, ExporterContext } from "@meterbridge/exporter";
import type { Resource } from "@opentelemetry/resources";
import { type IMetricReader, MeterProvider } from "@opentelemetry/sdk-metrics";
import { boundedReader } from "./bounded-reader.ts";
import { harmless } from "./harmless-instruments.ts";
import { loggerNamed } from "./log.ts";
import { createReadingReader, type ReadingReader } from "./meter-readings.ts";
import type { Settings } from "./settings.ts";
import type { Pipeline } from "./pipeline.ts";

/** The meter provider of this process with its exporters' readers. */
export interface MeterPipelines {
  readonly provider: ApiMeterProvider;
  readonly pipelines: readonly Pipeline[];
  /** Every meter's sums, for who reads them in this process. */
  readonly reading: ReadingReader;
}

/**
 * Makes the meter provider. A reader's forceFlush and shutdown are called one by one, not through the provider, which
 * would give up on the others at the first that fails.
 */
export function createMeterProvider(
  exporters: readonly Exporter[],
  resource: Resource,
  settings: Pick<Settings, "namespace" | "seriesLimit" | "seriesLimits">,
  logger: DiagLogger,
): MeterPipelines {
  // Core holds each meter's own limit; the readers only have to keep what it lets through.
  const seriesLimit = Math.max(settings.seriesLimit, ...Object.values(settings.seriesLimits));
  const pipelines: Pipeline[] = [];
  const readers: IMetricReader[] = [];
  try {
    for (const exporter of exporters) {
      const reader = readerOf(exporter, {
        resourceAttributes: resource.attributes,
        diag: loggerNamed(exporter.name, logger),
        namespace: settings.namespace,
      });
      readers.push(boundedReader(reader, { seriesLimit }));
      pipelines.push({
        name: exporter.name,
        forceFlush: (timeoutMillis) => reader.forceFlush({ timeoutMillis }),
        shutdown: (timeoutMillis) => reader.shutdown({ timeoutMillis }),
      });
    }
  } catch (error) {
    for (const reader of readers)
      reader.shutdown().catch((reason: unknown) => diag.debug("closing after a refusal:", reason));
    throw error;
  }
  const reading = createReadingReader();
  const provider = new MeterProvider({ resource, readers: [...readers, boundedReader(reading, { seriesLimit })] });
  harmless(provider, logger);
  // Core may then make room for new series by dropping stale ones: the bounded readers really forget them.
  Object.defineProperty(provider, Symbol.for("meterbridge.forgets"), { value: true });
  return { provider, pipelines, reading };
}

function readerOf(exporter: Exporter, context: ExporterContext): IMetricReader {
  try {
    return exporter.createReader(context);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // Our own exporters already say who.
    if (message.startsWith("[meterbridge]")) throw error;
    throw new Error(`[meterbridge] exporter "${exporter.name}" cannot start: ${message}`, { cause: error });
  }
}
