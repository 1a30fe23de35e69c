import type { ExporterContext } from "@meterbridge/exporter";
import {
  AggregationTemporality,
  AggregationType,
  type IMetricReader,
  type MetricProducer,
} from "@opentelemetry/sdk-metrics";
import { type Collection, collectionError, createCollection, withDeadline } from "./collection.ts";
import type { Exposition } from "./content-negotiation.ts";
import { gzip, smallestGzip } from "./gzip.ts";
import { countMetrics, type Health, type MetricCounts } from "./health.ts";
import type { Instances } from "./instances.ts";
import { isWordsOnly, type Naming } from "./naming.ts";
import type { ResolvedOptions } from "./prometheus-options.ts";
import { createRenderer } from "./renderer.ts";

/** A metric reader that is read by scrapes. */
export interface ScrapeReader {
  readonly metricReader: IMetricReader;
  /** The current metrics. Scrapes at the same time share one collection, one rendering and one compression. */
  scrape(asked: Scrape): Promise<ScrapeBody>;
  /** The state of the exporter, after a collection of its own. Never rejects. */
  health(): Promise<Health>;
  /** Whether the last collection had trouble. */
  isFailing(): boolean;
}

export interface Scrape {
  readonly exposition: Pick<Exposition, "format" | "escaping">;
  readonly acceptsGzip?: boolean;
  /** How long the scraper waits, where it said so. */
  readonly timeoutMillis?: number | undefined;
}

export interface ScrapeBody {
  readonly pieces: readonly Buffer[];
  readonly isGzip: boolean;
}

export interface ScrapeReaderOptions {
  readonly options: ResolvedOptions;
  readonly context: ExporterContext;
  /** The other processes or threads whose metrics are shown together; undefined where this one stands alone. */
  readonly instances?: Instances | undefined;
  /** Ends what serves the reader. */
  readonly onShutdown: () => Promise<unknown>;
}

/** Makes the reader for one meter provider. */
export function createScrapeReader(given: ScrapeReaderOptions): ScrapeReader {
  const { options, context, instances, onShutdown } = given;
  const { diag, namespace } = context;
  let producer: MetricProducer | undefined;
  let collection: Collection | undefined;
  let shutdown: Promise<void> | undefined;
  let lastScrape: string | undefined;
  let counts: MetricCounts = { counters: 0, gauges: 0, histograms: 0, series: 0 };
  const renderer = createRenderer(options.labelCacheBytes);
  const running = new Map<string, Promise<ScrapeBody>>();
  const warnings = new Set<string>();

  const onWarning = (message: string): void => {
    if (warnings.has(message) || warnings.size >= mostWarnings) return;
    warnings.add(message);
    diag.warn(`[meterbridge] [prometheus] ${message}`);
  };

  const source = (): Collection => {
    if (shutdown !== undefined) throw collectionError("the exporter is shut down", 503);
    if (collection === undefined) throw collectionError("the exporter has no meter provider yet", 503);
    if (instances?.serves === false) {
      // Its own alone would look like a fall of all sums.
      throw collectionError("the metrics of all are served by the primary process or main thread", 503);
    }
    return collection;
  };

  const shared = (key: string, work: () => Promise<ScrapeBody>): Promise<ScrapeBody> => {
    let promise = running.get(key);
    if (promise === undefined) running.set(key, (promise = work().finally(() => running.delete(key))));
    return promise;
  };

  const renderedAs = async (format: Exposition["format"], naming: Naming): Promise<ScrapeBody> => {
    const resourceMetrics = await source().collect();
    source();
    try {
      return {
        pieces: await renderer.render(resourceMetrics, { ...options, format, naming, onWarning }),
        isGzip: false,
      };
    } catch (error) {
      source().reportTrouble("rendering the metrics failed", error);
      throw collectionError("rendering the metrics failed", 500);
    }
  };

  const bodyOf = ({ exposition: { format, escaping }, acceptsGzip = false }: Scrape): Promise<ScrapeBody> => {
    const strategy = options.translationStrategy;
    // Names that are words read the same in all schemes but one, and need no rendering of their own.
    const isSame = escaping !== "dots" && isWordsOnly({ strategy, escaping });
    const naming: Naming = { strategy, escaping: isSame ? "underscores" : escaping };
    const key = `${format} ${naming.escaping}`;
    const plain = shared(key, () => renderedAs(format, naming));
    if (!acceptsGzip || !options.compression) return plain;
    return shared(`${key} gzip`, async () => {
      const { pieces } = await plain;
      const size = pieces.reduce((sum, piece) => sum + piece.length, 0);
      return size < smallestGzip ? { pieces, isGzip: false } : { pieces: await gzip(pieces), isGzip: true };
    });
  };

  return {
    async scrape(asked) {
      const current = source();
      const { timeoutMillis = Infinity } = asked;
      const isSooner = timeoutMillis < options.scrapeTimeoutMillis;
      const body = await inTime(bodyOf(asked), isSooner ? timeoutMillis : undefined, current);
      source();
      lastScrape = new Date().toISOString();
      return body;
    },

    async health() {
      const current = shutdown === undefined ? collection : undefined;
      try {
        if (current !== undefined) counts = countMetrics(await current.collect());
      } catch {
        // The collection keeps the reason as its trouble.
      }
      const enabled = current !== undefined;
      const lastError = current?.trouble();
      return {
        status: enabled && lastError === undefined ? "healthy" : "degraded",
        enabled,
        namespace,
        ...counts,
        keptLabelBytes: renderer.keptBytes(),
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
        const all = instances?.producerOf(metricProducer) ?? metricProducer;
        collection = createCollection(all, options.scrapeTimeoutMillis, diag);
      },
      // Prometheus works out rates itself, from totals that never restart.
      selectAggregationTemporality: () => AggregationTemporality.CUMULATIVE,
      selectAggregation: () => ({ type: AggregationType.DEFAULT }),
      selectCardinalityLimit: () => options.cardinalityLimit,
      async collect(collectionOptions) {
        if (shutdown !== undefined) throw collectionError("the exporter is shut down", 503);
        if (producer === undefined) throw collectionError("the exporter has no meter provider yet", 503);
        return await producer.collect(collectionOptions);
      },
      // There is nothing to flush: Prometheus fetches the metrics.
      forceFlush: () => Promise.resolve(),
      shutdown() {
        shutdown ??= withDeadline(onShutdown(), shutdownMillis).then(() => {});
        return shutdown;
      },
    },
  };
}

/** The collection has a deadline of its own; this is the scraper's, which may be sooner. */
async function inTime(
  body: Promise<ScrapeBody>,
  millis: number | undefined,
  collection: Collection,
): Promise<ScrapeBody> {
  const outcome = millis === undefined ? await body : await withDeadline(body, millis);
  if (outcome !== undefined) return outcome;
  const tooLate = `the scrape took longer than the ${Math.round(millis ?? 0)} ms that the scraper gave`;
  collection.reportTrouble(
    tooLate,
    "it was answered with 503; the application is busy, or an observable callback slow",
  );
  throw collectionError(tooLate, 503);
}

/** The contract's deadline. */
const shutdownMillis = 3000;

/** Warnings name metrics, so their number is bounded by hand rather than by trust. */
const mostWarnings = 100;
