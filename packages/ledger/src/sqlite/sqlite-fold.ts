import { ledgerColumns } from "../ledger-columns.ts";
import type { LedgerRow } from "../ledger-row.ts";
import { type Dimension, dimensions, foldingOrder, type Rollup, sums } from "../rollups.ts";
import type { SqliteBatch } from "./sqlite-batch.ts";

/** What some rows add to one bucket of a rollup. */
export interface FoldedGroup {
  /** In the order of {@link dimensions}, with "" for what is not known, and for what the rollup does not keep apart. */
  readonly values: readonly string[];
  readonly bucketAt: number;
  /** In the order of {@link sums}. Exact. */
  readonly sums: number[];
  /** No sum is further from zero than this. */
  weight: number;
}

/**
 * What the rows at these places of a batch add to each rollup: the same as `contributionOf` says row by row, added up here so
 * that a bucket is written once. A bucket whose sums would leave the range of exact numbers comes in several groups.
 */
export function foldRows(batch: SqliteBatch, offsets: readonly number[]): ReadonlyMap<Rollup, readonly FoldedGroup[]> {
  const rows = offsets.map((offset) => groupOf(batch, offset));
  const folded = new Map<Rollup, readonly FoldedGroup[]>();
  for (const [rollup, source] of foldingOrder) {
    folded.set(rollup, fold((source && folded.get(source)) ?? rows, rollup));
  }
  return folded;
}

function fold(sources: readonly FoldedGroup[], { seconds, dimensions: kept }: Rollup): FoldedGroup[] {
  const isKept = dimensions.map((dimension) => kept.includes(dimension));
  const complete: FoldedGroup[] = [];
  const open = new Map<string, FoldedGroup>();
  for (const source of sources) {
    const bucketAt = seconds === null ? 0 : Math.floor(source.bucketAt / (seconds * 1000)) * seconds * 1000;
    let key = String(bucketAt);
    for (let index = 0; index < isKept.length; index++) if (isKept[index]) key += `\0${source.values[index]}`;
    const group = open.get(key);
    if (group !== undefined && group.weight + source.weight < 2 ** 53) {
      for (let index = 0; index < sums.length; index++) group.sums[index]! += source.sums[index]!;
      group.weight += source.weight;
      continue;
    }
    if (group !== undefined) complete.push(group);
    const values = source.values.map((value, index) => (isKept[index] ? value : ""));
    open.set(key, { values, bucketAt, sums: [...source.sums], weight: source.weight });
  }
  // In the order of their keys, so that neighbours are written together.
  const ordered = [...open].toSorted(([left], [right]) => (left < right ? -1 : 1));
  return [...complete, ...ordered.map(([, group]) => group)];
}

/** One row as a group of its own. */
function groupOf(batch: SqliteBatch, offset: number): FoldedGroup {
  const number = (place: number): number => (batch[offset + place] as number | null) ?? 0;
  const isEvent = batch[offset + places.corrects] === null ? 1 : 0;
  const isSuccess = number(places.isSuccess);
  const isTimed = isEvent === 1 && batch[offset + places.inferenceMicros] !== null ? 1 : 0;
  const source = batch[offset + places.usageSource];
  const isEstimated =
    batch[offset + places.costStatus] === "estimated" || source === "estimated" || source === "partial" ? 1 : 0;
  const rowSums = [
    1,
    isEvent,
    isEvent * isSuccess,
    isEvent * (1 - isSuccess),
    isEvent * isEstimated,
    number(places.unpriced),
    number(places.inputTokens),
    number(places.outputTokens),
    number(places.cacheReadTokens),
    number(places.cacheWriteTokens),
    number(places.reasoningTokens),
    number(places.costNanoUsd),
    isTimed,
    isTimed * number(places.inferenceMicros),
    isEvent * number(places.queueMicros),
  ];
  let weight = 0;
  for (const sum of rowSums) weight = Math.max(weight, Math.abs(sum));
  const values = dimensionPlaces.map((place) => (batch[offset + place] as string | null) ?? "");
  return { values, bucketAt: number(places.occurredAt), sums: rowSums, weight };
}

const places = Object.fromEntries(ledgerColumns.map(({ field }, place) => [field, place])) as Readonly<
  Record<keyof LedgerRow, number>
>;
const dimensionPlaces = dimensions.map((dimension: Dimension) => places[dimension]);
