import type { Attributes } from "@opentelemetry/api";
import type { MetricData } from "@opentelemetry/sdk-metrics";
import type { Aggregation } from "./aggregation.ts";
import { createConsumers, foldInto, type Consumer, type ReaderPosition } from "./consumers.ts";
import type { InstrumentDescriptor } from "./descriptor.ts";
import { AggregationTemporality } from "./official-enums.ts";
import { createExemplars, type Exemplars, type ExemplarFilter } from "./exemplars.ts";
import { readPoints, type PointsOptions } from "./points.ts";
import type { RegisteredReader } from "./registered-reader.ts";
import { createStaleness, makeRoom, markEpochEnd, type Staleness } from "./make-room.ts";
import type { RowKind } from "./row-kind.ts";
import { withRow } from "./grow-rows.ts";
import { findSeries } from "./series-index.ts";
import { createSeriesSlots, overflowSlot, takeSlot, type SeriesSlots } from "./series-slots.ts";

/**
 * What is kept of one stream of a synchronous instrument, for all readers that want it aggregated alike. A recording finds
 * its slot and changes one row of doubles; how many readers there are costs it nothing.
 */
export interface SeriesStorage {
  readonly descriptor: { current: InstrumentDescriptor };
  readonly kind: RowKind;
  readonly slots: SeriesSlots;
  /** The row of slot n begins at n × stride. */
  rows: Float64Array;
  /** Counts the collections, from 1: a row is marked with the one it was last recorded before. */
  epoch: number;
  readonly consumers: readonly Consumer[];
  readonly staleness: Staleness;
  /** Series that somebody is bound to, by slot. */
  readonly bound: Map<number, BoundSeries>;
  readonly refused: () => void;
  readonly overflowed: () => void;
  readonly tooLarge: () => void;
  /** Undefined where there are to be none: recording then has nothing to do with them. */
  readonly exemplars: Exemplars | undefined;
}

/** A series that was looked up once. Its slot is -1 when it was forgotten since. */
export interface BoundSeries {
  slot: number;
  readonly attributes: Attributes;
  /** Another who is bound to the same series. */
  next: BoundSeries | undefined;
}

export interface StorageOptions {
  readonly descriptor: { current: InstrumentDescriptor };
  readonly aggregation: Aggregation;
  readonly limit: number;
  readonly readers: readonly RegisteredReader[];
  readonly staleAfterMillis: number;
  /** Told of attributes that could not be recorded as given. */
  readonly refused: () => void;
  /** Told of series that found no room. */
  readonly overflowed: () => void;
  /** Told of a sum that passed the largest number. */
  readonly tooLarge: () => void;
  readonly exemplarFilter: ExemplarFilter;
}

export function createSeriesStorage(options: StorageOptions): SeriesStorage {
  const { descriptor, aggregation, limit, readers, staleAfterMillis, refused, overflowed, tooLarge, exemplarFilter } =
    options;
  const kind = aggregation.rows;
  const storage: SeriesStorage = {
    descriptor,
    kind,
    slots: createSeriesSlots(limit),
    rows: new Float64Array(0),
    epoch: 1,
    consumers: createConsumers(readers, descriptor.current.type),
    staleness: createStaleness(staleAfterMillis),
    bound: new Map(),
    refused,
    overflowed,
    tooLarge,
    exemplars: createExemplars(exemplarFilter),
  };
  reserve(storage, 3);
  return storage;
}

/** The slot of an attribute set, new if need be; the overflow's where there is no room. Never throws. */
export function slotOf(storage: SeriesStorage, attributes: Attributes | undefined): number {
  let slot = -1;
  try {
    slot = findSeries(storage.slots.index, attributes);
  } catch {
    // A getter or a proxy that throws: the copy is made with more care.
  }
  return slot >= 0 ? slot : newSlotOf(storage, attributes);
}

export function newSlotOf(storage: SeriesStorage, attributes: unknown): number {
  const slot = takeSlot(storage.slots, attributes, storage.refused, () => makeRoom(storage));
  if (slot === overflowSlot) storage.overflowed();
  reserve(storage, slot);
  return slot;
}

/** What the reader is to be given of the stream; undefined when there is nothing. Ends the epoch. */
export function collectSeries(storage: SeriesStorage, reader: RegisteredReader, now: number): MetricData | undefined {
  const { consumers, kind } = storage;
  const consumer = consumers.find(({ positions }) => positions.has(reader));
  if (consumer === undefined) return undefined;
  if (consumers.length > 1) foldInto(storage);
  const position = consumer.positions.get(reader)!;
  const isDelta = consumer.temporality === AggregationTemporality.DELTA;
  const rows = consumer.rows ?? storage.rows;
  const dataPoints = readPoints({
    kind,
    slots: storage.slots,
    rows,
    now,
    // Intervals of deltas follow each other without a gap (specification, metrics data model, "Temporality").
    notBefore: isDelta ? position.collectedAt : 0,
    clear: isDelta,
    tooLarge: storage.tooLarge,
    exemplarsOf: exemplarsSince(storage, position.collectedEpoch),
  });
  endEpoch(storage, position, now);
  if (dataPoints.length === 0) return undefined;
  return {
    descriptor: storage.descriptor.current,
    aggregationTemporality: consumer.temporality,
    dataPointType: kind.dataPointType,
    dataPoints,
    ...(kind.isMonotonic === undefined ? {} : { isMonotonic: kind.isMonotonic }),
  } as MetricData;
}

function exemplarsSince({ exemplars }: SeriesStorage, epoch: number): PointsOptions["exemplarsOf"] {
  return exemplars === undefined ? undefined : (slot) => exemplars.since(slot, epoch);
}

function endEpoch(storage: SeriesStorage, position: ReaderPosition, now: number): void {
  position.collectedEpoch = storage.epoch;
  position.collectedAt = now;
  markEpochEnd(storage.staleness, storage.epoch, now);
  storage.epoch++;
}

/** Makes sure that the slot has its row. */
function reserve(storage: SeriesStorage, slot: number): void {
  storage.rows = withRow(storage.kind, storage.rows, slot);
}
