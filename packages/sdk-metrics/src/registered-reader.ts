import type { IMetricReader, InstrumentType } from "@opentelemetry/sdk-metrics";

/** A reader of the provider, as the key of what is kept for it. */
export interface RegisteredReader {
  readonly reader: IMetricReader;
}

/** The reader's own limit of series; 2000 where it has none (specification, metrics SDK, "Cardinality limits"). */
export function limitOf({ reader }: RegisteredReader, type: InstrumentType): number {
  // Readers made for older SDKs lack the method.
  const selects: Partial<Pick<IMetricReader, "selectCardinalityLimit">> = reader;
  return selects.selectCardinalityLimit?.call(reader, type) ?? 2000;
}
