import type { Attributes } from "@opentelemetry/api";
import { createKeyValues, idOf, isConstant, releaseValue, useValue, type KeyValues } from "./key-values.ts";
import {
  createSeriesTable,
  findRow,
  insertRow,
  placeDirectly,
  removeRow,
  type HashOfRow,
  type SeriesTable,
} from "./series-table.ts";

/**
 * Finds the slot of an attribute set, key by key: nothing is sorted and no text is built.
 *
 * Each attribute value has a small integer for each key. A walk over the object follows its keys along {@link Step}s (the
 * order is the caller's), gathers the integers and looks the tuple of them up in the table of that set of keys. Objects
 * with the same attributes in another order end in the same table. Where the integers are few enough to be laid side by side, they are
 * the position in an array, and the tuple need not be hashed.
 */
export interface SeriesIndex {
  root: Step;
  /** Rises when steps or positions change, so that a walk during which that happened (a getter that records) is noticed. */
  layout: number;
  /** Whether positions are laid side by side. */
  isDirect: boolean;
  /** Integers of the walk that is under way. */
  scratch: Int32Array;
  /** The same in the order of the table's keys, where that is another. */
  ordered: Int32Array;
  /** Rises with each walk that uses them. */
  walk: number;
  steps: number;
  size: number;
  readonly tables: Map<string, SeriesTable>;
  readonly values: Map<string, KeyValues>;
}

interface Step {
  readonly key: string;
  readonly ids: Map<unknown, number>;
  readonly isConstant: boolean;
  readonly constant: unknown;
  readonly multiplier: number;
  readonly shift: number;
  first: Step | undefined;
  others: Map<string, Step> | undefined;
  table: SeriesTable | undefined;
  /** Where the table's n-th key is in the walk. Undefined when both have the same order. */
  order: readonly number[] | undefined;
}

export function createSeriesIndex(): SeriesIndex {
  return {
    root: createStep("", createKeyValues(0)),
    layout: 0,
    isDirect: true,
    scratch: new Int32Array(8),
    ordered: new Int32Array(8),
    walk: 0,
    steps: 0,
    size: 0,
    tables: new Map(),
    values: new Map(),
  };
}

/**
 * The slot of a series that was inserted, whatever the order of its keys; -1 for any other, and for one that has to be
 * looked up by {@link findClean} once, because the order of keys is new or a value is a list.
 *
 * Inherited keys are no attributes, but asking for each key whether it is the object's own costs as much as all the rest. An
 * object with inherited keys finds no step, unless a series with such a key exists.
 */
export function findSeries(index: SeriesIndex, attributes: Attributes | undefined): number {
  if (!index.isDirect) return findHashed(index, attributes);
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
  return table.direct![position]! - 1;
}

function findHashed(index: SeriesIndex, attributes: Attributes | undefined): number {
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
  const table = index.tables.get(keysText(keys));
  if (table === undefined) return -1;
  const row = rowOf(index, table, clean);
  if (row === undefined) return -1;
  const slot = findRow(table, hashOf(index, table, row), row);
  if (slot >= 0) teach(index, keys, table);
  return slot;
}

/** Adds a series that {@link findClean} did not find. */
export function insertSeries(index: SeriesIndex, clean: Attributes, slot: number): void {
  const keys = Object.keys(clean);
  const text = keysText(keys);
  let table = index.tables.get(text);
  const isNewTable = table === undefined;
  if (table === undefined) index.tables.set(text, (table = createSeriesTable(keys)));
  const row = Int32Array.from(table.keys, (key) => useValue(valuesOf(index, key), clean[key]));
  const grew = insertRow(table, row, slot, hasher(index, table));
  index.size++;
  if (isNewTable || grew || table.keys.some((key, at) => row[at]! >= 2 ** index.values.get(key)!.bits)) layOut(index);
  else if (index.isDirect) table.direct![positionOf(index, table, row)] = slot + 1;
  teach(index, keys, table);
}

/** Removes a series, and the values that no other has. */
export function removeSeries(index: SeriesIndex, clean: Attributes): void {
  const text = keysText(Object.keys(clean));
  const table = index.tables.get(text)!;
  const row = rowOf(index, table, clean)!;
  if (index.isDirect) table.direct![positionOf(index, table, row)] = 0;
  removeRow(table, row, hasher(index, table));
  index.size--;
  let hasConstant = false;
  for (const [at, key] of table.keys.entries()) {
    const values = index.values.get(key)!;
    hasConstant ||= isConstant(values);
    releaseValue(values, clean[key], row[at]!);
  }
  if (table.size === 0) index.tables.delete(text);
  // What a step takes for the key's only value may be another soon.
  if (table.size === 0 || hasConstant) forgetSteps(index);
}

/** More orders of keys than any program has; beyond it they are learnt anew. */
const mostSteps = 2000;

function teach(index: SeriesIndex, keys: readonly string[], table: SeriesTable): void {
  if (index.steps + keys.length > mostSteps) forgetSteps(index);
  let step = index.root;
  for (const key of keys) {
    let next = step.first?.key === key ? step.first : step.others?.get(key);
    if (next === undefined) {
      next = createStep(key, index.values.get(key)!);
      index.steps++;
      if (step.first === undefined) step.first = next;
      else (step.others ??= new Map()).set(key, next);
    }
    step = next;
  }
  step.table = table;
  const order = table.keys.map((key) => keys.indexOf(key));
  step.order = order.every((position, at) => position === at) ? undefined : order;
  if (index.scratch.length < keys.length) {
    index.scratch = new Int32Array(keys.length * 2);
    index.ordered = new Int32Array(keys.length * 2);
    index.layout++;
  }
}

function forgetSteps(index: SeriesIndex): void {
  index.root = createStep("", createKeyValues(0));
  index.steps = 0;
  index.layout++;
  for (const [key, { ids, lists }] of index.values) if (ids.size + lists.size === 0) index.values.delete(key);
}

function createStep(key: string, values: KeyValues): Step {
  const { ids, multiplier, shift } = values;
  const [constant] = isConstant(values) ? ids.keys() : [];
  return {
    key,
    ids,
    isConstant: isConstant(values),
    constant,
    multiplier,
    shift,
    first: undefined,
    others: undefined,
    table: undefined,
    order: undefined,
  };
}

/** Gives each key its bits anew, and decides whether positions may be laid side by side. */
function layOut(index: SeriesIndex): void {
  let total = 0;
  for (const values of index.values.values()) {
    values.bits = Math.ceil(Math.log2(Math.max(1, values.uses.length)));
    values.shift = total;
    total += values.bits;
  }
  index.isDirect = total <= mostBits && 2 ** total <= Math.max(1024, index.size * 16) / index.tables.size;
  for (const table of index.tables.values()) {
    placeDirectly(table, index.isDirect ? 2 ** total : 0, (row) => positionOf(index, table, row));
  }
  forgetSteps(index);
}

/** An array of 65,536 positions takes a quarter of a megabyte. */
const mostBits = 16;

function positionOf(index: SeriesIndex, table: SeriesTable, row: Int32Array): number {
  return table.keys.reduce((position, key, at) => position + (row[at]! << index.values.get(key)!.shift), 0);
}

function valuesOf(index: SeriesIndex, key: string): KeyValues {
  let values = index.values.get(key);
  if (values === undefined) index.values.set(key, (values = createKeyValues(index.values.size)));
  return values;
}

/** The row of clean attributes, undefined where a value is new. */
function rowOf(index: SeriesIndex, table: SeriesTable, clean: Attributes): Int32Array | undefined {
  const row = new Int32Array(table.keys.length);
  for (const [at, key] of table.keys.entries()) {
    const id = idOf(index.values.get(key)!, clean[key]);
    if (id === undefined) return undefined;
    row[at] = id;
  }
  return row;
}

function hashOf(index: SeriesIndex, table: SeriesTable, row: Int32Array): number {
  let hash = 0;
  for (const [at, key] of table.keys.entries()) {
    hash = (hash + Math.imul(row[at]!, index.values.get(key)!.multiplier)) | 0;
  }
  return hash;
}

function hasher(index: SeriesIndex, table: SeriesTable): HashOfRow {
  return (row) => hashOf(index, table, row);
}

/** The same for every order of the keys. */
function keysText(keys: readonly string[]): string {
  return JSON.stringify(keys.toSorted());
}
