import type { Attributes } from "@opentelemetry/api";
import { createStep, forgetSteps, teach, type Step } from "./attribute-steps.ts";
import { createKeyValues, releaseValue, useValue, type KeyValues } from "./key-values.ts";
import { hasher, identityOf, idsOf, layOut, positionsOf } from "./series-layout.ts";
import {
  createSeriesTable,
  findIdentity,
  findPosition,
  findRow,
  insertRow,
  removeRow,
  type SeriesTable,
} from "./series-table.ts";

/**
 * Finds the slot of an attribute set, key by key: nothing is sorted and no text is built.
 *
 * Each attribute value has a small integer for each key. A walk over the object follows its keys along {@link Step}s (the
 * order is the caller's) and lays these integers side by side, as the bits of one: the position of the series among those with
 * the same keys. Whatever the order of the keys, the position is the same. Few positions are an array, more are hashed. Where they
 * take more bits than an integer has, the tuple of integers is hashed itself.
 */
export interface SeriesIndex {
  root: Step;
  /** Rises when steps or positions change, so that a walk during which that happened (a getter that records) is noticed. */
  layout: number;
  /** Whether a series is known by its position. */
  isPacked: boolean;
  /** Integers of the walk that is under way. */
  scratch: Int32Array;
  /** The same in the order of the table's keys, where that is another. */
  ordered: Int32Array;
  /** Rises with each walk that uses them. */
  walk: number;
  steps: number;
  /** How many bits positions take. */
  bits: number;
  readonly tables: Map<string, SeriesTable>;
  readonly values: Map<string, KeyValues>;
}

export function createSeriesIndex(): SeriesIndex {
  return {
    root: createStep("", createKeyValues(0)),
    layout: 0,
    isPacked: true,
    scratch: new Int32Array(8),
    ordered: new Int32Array(8),
    walk: 0,
    steps: 0,
    bits: 0,
    tables: new Map(),
    values: new Map(),
  };
}

/**
 * The slot of a series that was inserted, whatever the order of its keys; -1 for any other, and for one that has to be
 * looked up by {@link findClean} once, because the order of keys is new or a value is a list.
 *
 * Inherited keys are no attributes. Asking for each key whether it is the object's own costs as much as all the rest, so only an object
 * that is not plain is copied; nobody gives all objects an enumerable key.
 */
export function findSeries(index: SeriesIndex, given: Attributes | undefined): number {
  const attributes = isPlain(given) ? given : { ...given };
  if (!index.isPacked) return findTuple(index, attributes);
  const { layout } = index;
  let step = index.root;
  let position = 0;
  for (const key in attributes) {
    const value = attributes[key];
    if (value === undefined) continue;
    let next = step.first;
    if (next === undefined || next.key !== key) {
      next = step.others?.get(key);
      if (next === undefined) return -1;
    }
    step = next;
    if (next.isConstant && value === next.constant) continue;
    const id = next.ids.get(value);
    if (id === undefined) return -1;
    position += id << next.shift;
  }
  const { table } = step;
  if (table === undefined || index.layout !== layout) return -1;
  return table.direct === undefined ? findPosition(table, position) : table.direct[position]! - 1;
}

function isPlain(given: Attributes | undefined): boolean {
  if (given === undefined || given === null) return true;
  const prototype: unknown = Object.getPrototypeOf(given);
  return prototype === Object.prototype || prototype === null;
}

function findTuple(index: SeriesIndex, attributes: Attributes | undefined): number {
  const { layout, scratch } = index;
  const walk = (index.walk = (index.walk + 1) & 0x3fff_ffff);
  let step = index.root;
  let depth = 0;
  let hash = 0;
  for (const key in attributes) {
    const value = attributes[key];
    if (value === undefined) continue;
    let next = step.first;
    if (next === undefined || next.key !== key) {
      next = step.others?.get(key);
      if (next === undefined) return -1;
    }
    step = next;
    let id: number | undefined = 0;
    if (!next.isConstant || value !== next.constant) {
      id = next.ids.get(value);
      if (id === undefined) return -1;
    }
    scratch[depth++] = id;
    hash = (hash + Math.imul(id, next.multiplier)) | 0;
  }
  const { table, order } = step;
  if (table === undefined || index.walk !== walk || index.layout !== layout) return -1;
  if (order === undefined) return findRow(table, hash, scratch);
  for (let at = 0; at < order.length; at++) index.ordered[at] = scratch[order[at]!]!;
  return findRow(table, hash, index.ordered);
}

/** The slot of clean attributes, -1 when there is none. Teaches {@link findSeries} the order of the keys. */
export function findClean(index: SeriesIndex, clean: Attributes): number {
  const keys = Object.keys(clean);
  const table = tableOf(index, keys);
  const ids = table === undefined ? undefined : idsOf(index, table, clean);
  if (table === undefined || ids === undefined) return -1;
  const identity = identityOf(index, table, ids);
  const slot = findIdentity(table, identity, hasher(index, table));
  if (slot >= 0) teach(index, keys, table);
  return slot;
}

/** Adds a series that {@link findClean} did not find. */
export function insertSeries(index: SeriesIndex, clean: Attributes, slot: number): void {
  const keys = Object.keys(clean);
  let table = tableOf(index, keys);
  if (table === undefined) {
    table = createSeriesTable(keys, index.isPacked ? 1 : keys.length);
    index.tables.set(keysText(keys), table);
  }
  const ids = Int32Array.from(table.keys, (key) => useValue(valuesOf(index, key), clean[key]));
  if (table.keys.some((key, at) => ids[at]! >= 2 ** index.values.get(key)!.bits)) layOut(index);
  const identity = identityOf(index, table, ids);
  insertRow(table, identity, slot, positionsOf(index), hasher(index, table));
  teach(index, keys, table);
}

/** Removes a series, and the values that no other has. */
export function removeSeries(index: SeriesIndex, clean: Attributes): void {
  const keys = Object.keys(clean);
  const table = tableOf(index, keys)!;
  const ids = idsOf(index, table, clean)!;
  const identity = identityOf(index, table, ids);
  removeRow(table, identity, hasher(index, table));
  // A walk that is under way may have read integers that are given to other values now.
  index.layout++;
  for (const [at, key] of table.keys.entries()) releaseValue(index.values.get(key)!, clean[key], ids[at]!);
  if (table.size > 0) return;
  // A value that a step takes for the key's only one goes with its last table.
  index.tables.delete(keysText(keys));
  forgetSteps(index);
}

/** The table of the keys, in any order; an order that was taught leads there at once. */
function tableOf(index: SeriesIndex, keys: readonly string[]): SeriesTable | undefined {
  let step: Step | undefined = index.root;
  for (const key of keys) {
    step = step.first?.key === key ? step.first : step.others?.get(key);
    if (step === undefined) break;
  }
  return step?.table ?? index.tables.get(keysText(keys));
}

function valuesOf(index: SeriesIndex, key: string): KeyValues {
  let values = index.values.get(key);
  if (values === undefined) index.values.set(key, (values = createKeyValues(index.values.size)));
  return values;
}

/** The same for every order of the keys. */
function keysText(keys: readonly string[]): string {
  return JSON.stringify(keys.toSorted());
}
