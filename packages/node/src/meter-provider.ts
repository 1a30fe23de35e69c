import { diag, type DiagLogger, type MeterProvider as ApiMeterProvider } from "@opentelemetry/api";
import type { Exporter, ExporterContext } from "@meterbridge/exporter";
import type { Resource } from "@opentelemetry/resources";
import { MeterProvider } from "@meterbridge/sdk-metrics";
import type { IMetricReader } from "@opentelemetry/sdk-metrics";
import { errorInFile } from "./config-file-error.ts";
import type { FileExporter } from "./config-file-settings.ts";
import { loggerNamed } from "./log.ts";
import { createReadingReader, type ReadingReader } from "./meter-readings.ts";
import type { Settings } from "./settings.ts";
import type { Pipeline } from "./pipeline.ts";
import { tunedReader } from "./tuned-reader.ts";

/** The meter provider of this process with its exporters' readers. */
export interface MeterPipelines {
  readonly provider: ApiMeterProvider;
  readonly pipelines: readonly Pipeline[];
  /** Every meter's sums, for who reads them in this process. */
  readonly reading: ReadingReader;
}

/**
 * Makes the meter provider. A reader's forceFlush and shutdown are called one by one, not through the provider, which
 * would give up on the others at the first that fails. `inFile`: what a configuration file says of each exporter, if it does.
 */
export function createMeterProvider(
  exporters: readonly Exporter[],
  resource: Resource,
  settings: Pick<Settings, "namespace" | "seriesLimit" | "seriesLimits" | "exemplarFilter" | "views">,
  logger: DiagLogger,
  inFile: readonly (FileExporter | undefined)[] = [],
): MeterPipelines {
  const seriesLimit = Math.max(settings.seriesLimit, ...Object.values(settings.seriesLimits));
  const pipelines: Pipeline[] = [];
  const readers: IMetricReader[] = [];
  try {
    for (const [index, exporter] of exporters.entries()) {
      const context: ExporterContext = {
        resourceAttributes: resource.attributes,
        diag: loggerNamed(exporter.name, logger),
        namespace: settings.namespace,
      };
      const reader = readerOf(exporter, context, inFile[index]?.from);
      readers.push(tunedReader(reader, seriesLimit, inFile[index]?.reader));
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
  const provider = new MeterProvider({
    resource,
    readers: [...readers, tunedReader(reading, seriesLimit)],
    exemplarFilter: settings.exemplarFilter,
    views: settings.views,
  });
  return { provider, pipelines, reading };
}

function readerOf(exporter: Exporter, context: ExporterContext, from: string | undefined): IMetricReader {
  try {
    return exporter.createReader(context);
  } catch (error) {
    if (from !== undefined) throw errorInFile(error, from);
    const message = error instanceof Error ? error.message : String(error);
    // Our own exporters already say who.
    if (message.startsWith("[meterbridge]")) throw error;
    throw new Error(`[meterbridge] exporter "${exporter.name}" cannot start: ${message}`, { cause: error });
  }
}
