import type { ExporterContext } from "@meterbridge/exporter";
import {
  AggregationTemporality,
  AggregationType,
  type IMetricReader,
  type MetricProducer,
  type ResourceMetrics,
} from "@opentelemetry/sdk-metrics";
import { type Collection, collectionError, createCollection } from "./collection.ts";
import { countMetrics, type Health, type MetricCounts } from "./health.ts";
import type { ResolvedOptions } from "./prometheus-options.ts";
import { type ExpositionFormat, render } from "./render-text.ts";

/** A metric reader that is read by scrapes. */
export interface ScrapeReader {
  readonly metricReader: IMetricReader;
  /** The current metrics as UTF-8 text. Scrapes at the same time share one collection and one text. */
  scrape(format: ExpositionFormat): Promise<Buffer<ArrayBuffer>>;
  /** The state of the exporter, after a collection of its own. Never rejects. */
  health(): Promise<Health>;
  /** Whether the last collection had trouble. */
  isFailing(): boolean;
}

/** Makes the reader for one meter provider. `onShutdown` ends what serves it. */
export function createScrapeReader(
  options: ResolvedOptions,
  { diag, namespace }: ExporterContext,
  onShutdown: () => Promise<void>,
): ScrapeReader {
  let producer: MetricProducer | undefined;
  let collection: Collection | undefined;
  let shutdown: Promise<void> | undefined;
  let lastScrape: string | undefined;
  let counts: MetricCounts = { counters: 0, gauges: 0, histograms: 0, series: 0 };
  const texts = new WeakMap<ResourceMetrics, Map<ExpositionFormat, Buffer<ArrayBuffer>>>();
  const warnings = new Set<string>();

  const onWarning = (message: string): void => {
    if (warnings.has(message) || warnings.size >= mostWarnings) return;
    warnings.add(message);
    diag.warn(`[meterbridge] [prometheus] ${message}`);
  };

  const running = (): Collection => {
    if (shutdown !== undefined) throw collectionError("the exporter is shut down", 503);
    if (collection === undefined) throw collectionError("the exporter has no meter provider yet", 503);
    return collection;
  };

  return {
    async scrape(format) {
      const source = running();
      const resourceMetrics = await source.collect();
      running();
      const rendered = texts.get(resourceMetrics) ?? new Map<ExpositionFormat, Buffer<ArrayBuffer>>();
      texts.set(resourceMetrics, rendered);
      let text = rendered.get(format);
      if (text === undefined) {
        try {
          text = Buffer.from(render(resourceMetrics, { ...options, format, onWarning }));
        } catch (error) {
          source.reportTrouble("rendering the metrics failed", error);
          throw collectionError("rendering the metrics failed", 500);
        }
        rendered.set(format, text);
      }
      lastScrape = new Date().toISOString();
      return text;
    },

    async health() {
      const source = shutdown === undefined ? collection : undefined;
      try {
        if (source !== undefined) counts = countMetrics(await source.collect());
      } catch {
        // The collection keeps the reason as its trouble.
      }
      const enabled = source !== undefined;
      const lastError = source?.trouble();
      return {
        status: enabled && lastError === undefined ? "healthy" : "degraded",
        enabled,
        namespace,
        ...counts,
        ...(lastScrape === undefined ? {} : { lastScrape }),
        ...(lastError === undefined ? {} : { lastError }),
      };
    },

    isFailing: () => shutdown === undefined && collection?.trouble() !== undefined,

    metricReader: {
      setMetricProducer(metricProducer) {
        if (producer !== undefined) {
          throw new Error(
            "[meterbridge] [prometheus] this reader already belongs to a meter provider: call createReader for each provider",
          );
        }
        producer = metricProducer;
        collection = createCollection(metricProducer, options.scrapeTimeoutMillis, diag);
      },
      // Prometheus works out rates itself, from totals that never restart.
      selectAggregationTemporality: () => AggregationTemporality.CUMULATIVE,
      selectAggregation: () => ({ type: AggregationType.DEFAULT }),
      selectCardinalityLimit: () => options.cardinalityLimit,
      async collect(collectionOptions) {
        running();
        if (producer === undefined) throw collectionError("the exporter has no meter provider yet", 503);
        return await producer.collect(collectionOptions);
      },
      // There is nothing to flush: Prometheus fetches the metrics.
      forceFlush: () => Promise.resolve(),
      shutdown() {
        shutdown ??= onShutdown();
        return shutdown;
      },
    },
  };
}

/** Warnings name metrics, so their number is bounded by hand rather than by trust. */
const mostWarnings = 100;
