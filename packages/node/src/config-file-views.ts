import { AggregationType, InstrumentType, type AggregationOption, type ViewOptions } from "@opentelemetry/sdk-metrics";
import type { Wrong } from "./config-file-otlp.ts";
import { includes } from "./config-file-patterns.ts";
import type { Place } from "./config-file-place.ts";

/** The views of `meter_provider`. */
export function readViews(provider: Place, wrong: Wrong): ViewOptions[] {
  return provider.list("views").map((view) => {
    const selector = view.at("selector");
    const stream = view.at("stream");
    const type = selector.text("instrument_type");
    const name = stream.text("name");
    // A selector that says nothing is for every instrument.
    const instrumentName = selector.text("instrument_name") ?? "*";
    if (name !== undefined && /[*?]/.test(instrumentName)) {
      throw wrong(
        stream.pathOf("name"),
        "must have a selector.instrument_name without wildcards: it would make several meters one",
      );
    }
    return given({
      instrumentName,
      instrumentType: type === undefined ? undefined : instrumentTypes[type],
      instrumentUnit: selector.text("unit"),
      meterName: selector.text("meter_name"),
      meterVersion: selector.text("meter_version"),
      meterSchemaUrl: selector.text("meter_schema_url"),
      name,
      description: stream.text("description"),
      aggregation: readAggregation(stream.at("aggregation"), wrong),
      aggregationCardinalityLimit: stream.number("aggregation_cardinality_limit"),
      attributesProcessors: readAttributeKeys(stream),
    }) as ViewOptions;
  });
}

/** The schema's names of instruments. */
export const instrumentTypes: Readonly<Record<string, InstrumentType>> = {
  counter: InstrumentType.COUNTER,
  gauge: InstrumentType.GAUGE,
  histogram: InstrumentType.HISTOGRAM,
  observable_counter: InstrumentType.OBSERVABLE_COUNTER,
  observable_gauge: InstrumentType.OBSERVABLE_GAUGE,
  observable_up_down_counter: InstrumentType.OBSERVABLE_UP_DOWN_COUNTER,
  up_down_counter: InstrumentType.UP_DOWN_COUNTER,
};

/** Boundaries that the specification has for who gives none. */
const defaultBoundaries = [0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10_000];
/** Buckets of a series, each way, that the meter provider takes. */
const largestSize = 16_384;

function readAggregation(place: Place, wrong: Wrong): AggregationOption | undefined {
  const [kind] = place.keys;
  if (kind === undefined) return undefined;
  const found = place.at(kind);
  switch (kind) {
    case "drop":
      return { type: AggregationType.DROP };
    case "sum":
      return { type: AggregationType.SUM };
    case "last_value":
      return { type: AggregationType.LAST_VALUE };
    case "explicit_bucket_histogram": {
      const boundaries = found.numbers("boundaries") ?? defaultBoundaries;
      const recordMinMax = found.flag("record_min_max") ?? true;
      return {
        type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM,
        options: { boundaries: [...boundaries], recordMinMax },
      };
    }
    case "base2_exponential_bucket_histogram": {
      const maxSize = found.number("max_size") ?? 160;
      if (maxSize > largestSize)
        throw wrong(found.pathOf("max_size"), `must be at most ${largestSize}, found ${maxSize}`);
      const recordMinMax = found.flag("record_min_max") ?? true;
      return { type: AggregationType.EXPONENTIAL_HISTOGRAM, options: { maxSize, recordMinMax } };
    }
    default:
      return { type: AggregationType.DEFAULT };
  }
}

function readAttributeKeys(stream: Place): ViewOptions["attributesProcessors"] {
  const keys = stream.at("attribute_keys");
  const kept = includes(keys.texts("included"), keys.texts("excluded"));
  if (kept === undefined) return undefined;
  return [{ process: (attributes) => Object.fromEntries(Object.entries(attributes).filter(([name]) => kept(name))) }];
}

function given<Fields extends object>(fields: Fields): Partial<Fields> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<Fields>;
}
