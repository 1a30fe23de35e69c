import { isLimit } from "./check-view.ts";
import type { IMetricReader, InstrumentType } from "@opentelemetry/sdk-metrics";

/** A reader of the provider, as the key of what is kept for it. */
export interface RegisteredReader {
  readonly reader: IMetricReader;
}

/** The reader's own limit of series; 2000 where it has none (specification, metrics SDK, "Cardinality limits"). */
export function limitOf({ reader }: RegisteredReader, type: InstrumentType): number {
  // Readers made for older SDKs lack the method.
  const selects: Partial<Pick<IMetricReader, "selectCardinalityLimit">> = reader;
  const limit: unknown = selects.selectCardinalityLimit?.call(reader, type);
  // What is no limit would be none at all.
  return isLimit(limit) ? limit : 2000;
}
