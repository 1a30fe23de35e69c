import { AggregationTemporality, type IMetricReader, InstrumentType } from "@opentelemetry/sdk-metrics";
import type { OtlpSettings } from "./settings.ts";

/** Which temporality each instrument gets (OpenTelemetry specification, "OTLP Exporter", temporality preference). */
export function temporalityOf(preference: OtlpSettings["temporality"]): IMetricReader["selectAggregationTemporality"] {
  const deltas = deltaInstruments[preference];
  return (instrument) => (deltas.has(instrument) ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE);
}

const deltaInstruments: Readonly<Record<OtlpSettings["temporality"], ReadonlySet<InstrumentType>>> = {
  cumulative: new Set(),
  delta: new Set([
    InstrumentType.COUNTER,
    InstrumentType.OBSERVABLE_COUNTER,
    InstrumentType.GAUGE,
    InstrumentType.OBSERVABLE_GAUGE,
    InstrumentType.HISTOGRAM,
  ]),
  lowmemory: new Set([InstrumentType.COUNTER, InstrumentType.HISTOGRAM]),
};
