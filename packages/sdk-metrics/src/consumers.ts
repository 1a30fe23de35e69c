import type { AggregationTemporality, InstrumentType } from "@opentelemetry/sdk-metrics";
import { withRow } from "./grow-rows.ts";
import { AggregationTemporality as Temporality } from "./official-enums.ts";
import type { RegisteredReader } from "./registered-reader.ts";
import type { SeriesStorage } from "./series-storage.ts";

/**
 * Readers that are to be given the same rows: all cumulative ones together, each delta reader by itself.
 *
 * A storage with one consumer hands it the very rows that are recorded into. With several, each has rows of its own, and
 * what was recorded since the last collection is added to all of them at each collection of any.
 */
export interface Consumer {
  readonly temporality: AggregationTemporality;
  /** Undefined where the storage's own rows are meant. */
  rows: Float64Array | undefined;
  readonly positions: ReadonlyMap<RegisteredReader, ReaderPosition>;
}

/** How far a reader has come. */
export interface ReaderPosition {
  /** The last epoch it was given; 0 when it has never collected. */
  collectedEpoch: number;
  /** When, in milliseconds since 1970. */
  collectedAt: number;
}

export function createConsumers(readers: readonly RegisteredReader[], type: InstrumentType): readonly Consumer[] {
  const cumulative: RegisteredReader[] = [];
  const groups: RegisteredReader[][] = [];
  for (const registered of readers) {
    const isCumulative = registered.reader.selectAggregationTemporality(type) === Temporality.CUMULATIVE;
    if (isCumulative) cumulative.push(registered);
    else groups.push([registered]);
  }
  const deltas = groups.length;
  if (cumulative.length > 0) groups.push(cumulative);
  return groups.map((group, at) => ({
    temporality: at < deltas ? Temporality.DELTA : Temporality.CUMULATIVE,
    rows: groups.length === 1 ? undefined : new Float64Array(0),
    positions: new Map(group.map((reader) => [reader, { collectedEpoch: 0, collectedAt: 0 }])),
  }));
}

/** Adds what was recorded since the last collection to the rows of each consumer, and empties the storage's own. */
export function foldInto({ kind, rows, slots, consumers }: SeriesStorage): void {
  const { stride } = kind;
  const last = slots.attributes.length - 1;
  for (const consumer of consumers) consumer.rows = withRow(kind, consumer.rows!, last);
  for (let at = 0; at < (last + 1) * stride; at += stride) {
    if (rows[at] === 0) continue;
    for (const consumer of consumers) kind.fold(rows, at, consumer.rows!, at);
    kind.clear(rows, at);
  }
}
