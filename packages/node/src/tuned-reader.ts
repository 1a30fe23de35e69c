import {
  AggregationTemporality,
  AggregationType,
  type IMetricReader,
  InstrumentType,
} from "@opentelemetry/sdk-metrics";
import type { ReaderSettings } from "./config-file-settings.ts";

/**
 * A reader as the configuration file wants it. Core holds each meter's own limit; the provider keeps what it lets through, and holds the
 * instruments of others to the same `seriesLimit`, unless the file says otherwise.
 */
export function tunedReader(reader: IMetricReader, seriesLimit: number, wanted: ReaderSettings = {}): IMetricReader {
  const { limits = {}, limitDefault = seriesLimit, exponentialHistograms = false, temporality } = wanted;
  return {
    setMetricProducer: (producer) => reader.setMetricProducer(producer),
    selectAggregation: (type) =>
      exponentialHistograms && type === InstrumentType.HISTOGRAM
        ? { type: AggregationType.EXPONENTIAL_HISTOGRAM }
        : reader.selectAggregation(type),
    selectAggregationTemporality: (type) =>
      temporality === undefined ? reader.selectAggregationTemporality(type) : temporalityOf(type, temporality),
    selectCardinalityLimit: (type) => limits[type] ?? limitDefault,
    collect: (options) => reader.collect(options),
    shutdown: (options) => reader.shutdown(options),
    forceFlush: (options) => reader.forceFlush(options),
  };
}

/** OpenTelemetry specification, "OTLP Exporter", temporality preference. */
function temporalityOf(
  type: InstrumentType,
  preference: NonNullable<ReaderSettings["temporality"]>,
): AggregationTemporality {
  const deltas: readonly InstrumentType[] = {
    cumulative: [],
    delta: [InstrumentType.COUNTER, InstrumentType.OBSERVABLE_COUNTER, InstrumentType.HISTOGRAM],
    low_memory: [InstrumentType.COUNTER, InstrumentType.HISTOGRAM],
  }[preference];
  return deltas.includes(type) ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE;
}
