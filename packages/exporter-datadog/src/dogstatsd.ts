import { createRequire } from "node:module";
import type { Exporter, ExporterContext } from "@meterbridge/exporter";
import { ExportResultCode } from "@opentelemetry/core";
import {
  AggregationTemporality,
  type IMetricReader,
  InstrumentType,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from "@opentelemetry/sdk-metrics";
import type { StatsD } from "hot-shots";
import type { DatadogSettings } from "./settings.ts";
import { toStatistics } from "./statistics.ts";

/**
 * Metrics as DogStatsD, by UDP through `hot-shots`, for Agents that take no OTLP. UDP tells nobody what gets lost: where figures must be exact,
 * OTLP is the way.
 *
 * @throws Error when `hot-shots` is not installed.
 */
export function dogstatsd(settings: DatadogSettings): Exporter {
  const { agentHost, dogstatsdPort, times } = settings;
  const hotShots = load();
  return {
    specificationVersion: 1,
    name: "datadog",
    target: `udp://${agentHost}:${dogstatsdPort}`,
    createReader: (context) => createReader(hotShots, settings, context, times),
  };
}

/** Loaded now and not at the first export: a package that is missing must end the start. It opens nothing. */
function load(): typeof import("hot-shots") {
  try {
    return createRequire(import.meta.url)("hot-shots") as typeof import("hot-shots");
  } catch (error) {
    throw new Error(`[meterbridge] [datadog] mode "dogstatsd" needs the package hot-shots: run npm install hot-shots`, {
      cause: error,
    });
  }
}

/** 1432 bytes fit in a packet of Ethernet; larger ones get lost more often. */
const packetBytes = 1432;

function createReader(
  hotShots: typeof import("hot-shots"),
  { agentHost, dogstatsdPort, resourceAttributes }: DatadogSettings,
  { diag }: ExporterContext,
  { exportIntervalMillis = 10_000, shutdownTimeoutMillis = 3000 }: DatadogSettings["times"],
): IMetricReader {
  let client: StatsD | undefined;
  let isTold = false;

  function open(): StatsD {
    return new hotShots.StatsD({
      host: agentHost,
      port: dogstatsdPort,
      maxBufferSize: packetBytes,
      includeDatadogTelemetry: false,
      globalTags: unifiedTags(resourceAttributes),
      errorHandler(error) {
        if (isTold) return;
        isTold = true;
        diag.warn(`[meterbridge] [datadog] metrics to ${agentHost}:${dogstatsdPort} fail: ${error.message}`);
      },
    });
  }

  const exporter: PushMetricExporter = {
    export(metrics, resultCallback) {
      client ??= open();
      for (const { kind, name, value, tags } of toStatistics(metrics)) client[kind](name, value, tags);
      resultCallback({ code: ExportResultCode.SUCCESS });
    },
    // It gathers lines for up to a second, which a function that is frozen after a flush does not have.
    forceFlush: () => new Promise((resolve) => (client === undefined ? resolve() : client.flush(() => resolve()))),
    // Closing sends what is buffered.
    shutdown: () => new Promise((resolve) => (client === undefined ? resolve() : client.close(() => resolve()))),
    selectAggregationTemporality: temporalityOf,
  };
  const reader = new PeriodicExportingMetricReader({
    exporter,
    exportIntervalMillis,
    exportTimeoutMillis: Math.min(exportIntervalMillis, Math.ceil(shutdownTimeoutMillis / 2)),
  });
  return endingOnce(reader, shutdownTimeoutMillis);
}

/** Counts are deltas; what goes up and down is told as it stands. */
function temporalityOf(instrument: InstrumentType): AggregationTemporality {
  return instrument === InstrumentType.UP_DOWN_COUNTER || instrument === InstrumentType.OBSERVABLE_UP_DOWN_COUNTER
    ? AggregationTemporality.CUMULATIVE
    : AggregationTemporality.DELTA;
}

/** `shutdown()` may be called twice, ends in time and rejects never. */
function endingOnce(reader: PeriodicExportingMetricReader, timeoutMillis: number): IMetricReader {
  let ended: Promise<void> | undefined;
  const inTime = (work: Promise<void>): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMillis);
      const finish = (): void => {
        clearTimeout(timer);
        resolve();
      };
      work.then(finish, finish);
    });
  return {
    setMetricProducer: (producer) => reader.setMetricProducer(producer),
    selectAggregation: (instrument) => reader.selectAggregation(instrument),
    selectAggregationTemporality: (instrument) => reader.selectAggregationTemporality(instrument),
    selectCardinalityLimit: (instrument) => reader.selectCardinalityLimit(instrument),
    collect: (options) => reader.collect(options),
    forceFlush: () => ended ?? inTime(reader.forceFlush()),
    shutdown: () => (ended ??= inTime(reader.shutdown())),
  };
}

function unifiedTags(resourceAttributes: Readonly<Record<string, string>>): Record<string, string> {
  const names = { "deployment.environment.name": "env", "service.name": "service", "service.version": "version" };
  return Object.fromEntries(
    Object.entries(names).flatMap(([attribute, tag]) => {
      const value = resourceAttributes[attribute];
      return value === undefined ? [] : [[tag, value]];
    }),
  );
}
