import type { Attributes } from "@opentelemetry/api";
import { cleanAttributes } from "./clean-attributes.ts";
import { createSeriesIndex, findClean, insertSeries, removeSeries, type SeriesIndex } from "./series-index.ts";
import { widerCapacity } from "./wider.ts";

/** Gives the series of a stream their slots: small integers, of which slot 0 is the overflow's. */
export interface SeriesSlots {
  readonly index: SeriesIndex;
  /** Most series there may be, the overflow included. */
  readonly limit: number;
  /** What each series is called; undefined where a slot is free. Never changed once given out. */
  readonly attributes: (Attributes | undefined)[];
  /** When each series began, in milliseconds since 1970. */
  started: Float64Array;
  readonly free: number[];
}

// Specification, metrics SDK, "Overflow attribute".
const overflowKey = "otel.metric.overflow";

export const overflowSlot = 0;

export function createSeriesSlots(limit: number): SeriesSlots {
  return {
    index: createSeriesIndex(),
    limit,
    attributes: [Object.freeze({ [overflowKey]: true })],
    started: new Float64Array(4),
    free: [],
  };
}

/** What finds room where all slots are taken: frees slots by {@link releaseSlot}, if it can. */
export type MakeRoom = () => void;

/**
 * The slot of attributes that the index did not find as they are: looked up by a clean copy, else a new one; the overflow's
 * where there is no room (specification, metrics SDK, "Cardinality limits").
 */
export function takeSlot(slots: SeriesSlots, given: unknown, refused: () => void, makeRoom: MakeRoom): number {
  const clean = cleanAttributes(given, refused);
  const found = findClean(slots.index, clean);
  return found >= 0 ? found : takeNewSlot(slots, clean, makeRoom);
}

/** The same for clean attributes that are known to have no slot. */
export function takeNewSlot(slots: SeriesSlots, clean: Attributes, makeRoom: MakeRoom): number {
  if (isOverflow(clean)) {
    markStart(slots, overflowSlot);
    insertSeries(slots.index, clean, overflowSlot);
    return overflowSlot;
  }
  if (isFull(slots)) makeRoom();
  if (isFull(slots)) {
    markStart(slots, overflowSlot);
    return overflowSlot;
  }
  const slot = slots.free.pop() ?? slots.attributes.length;
  slots.attributes[slot] = clean;
  markStart(slots, slot, true);
  insertSeries(slots.index, clean, slot);
  return slot;
}

export function releaseSlot(slots: SeriesSlots, slot: number): void {
  removeSeries(slots.index, slots.attributes[slot]!);
  slots.attributes[slot] = undefined;
  slots.free.push(slot);
}

function isFull({ limit, attributes, free }: SeriesSlots): boolean {
  return attributes.length - free.length >= Math.max(limit, 1);
}

function isOverflow(clean: Attributes): boolean {
  return clean[overflowKey] === true && Object.keys(clean).length === 1;
}

function markStart(slots: SeriesSlots, slot: number, anew = false): void {
  if (slot >= slots.started.length) {
    const wider = new Float64Array(widerCapacity(slots.started.length, slot + 1));
    wider.set(slots.started);
    slots.started = wider;
  }
  if (anew || slots.started[slot] === 0) slots.started[slot] = Date.now();
}
