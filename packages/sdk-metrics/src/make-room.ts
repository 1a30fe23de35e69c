import { foldInto, type ReaderPosition } from "./consumers.ts";
import type { InstrumentDescriptor } from "./descriptor.ts";
import { AggregationTemporality, InstrumentType } from "./official-enums.ts";
import type { SeriesStorage } from "./series-storage.ts";
import { overflowSlot, releaseSlot } from "./series-slots.ts";

/** Which series may be forgotten when there is no room. */
export interface Staleness {
  /** Cumulative series that were not recorded for so long make room. */
  readonly staleAfterMillis: number;
  readonly createdAt: number;
  /** When epochs ended, the latest last: a few of them, as marks in time. */
  readonly epochEnds: EpochEnd[];
  /** Series whose owner said that nothing more will come. */
  readonly ended: Set<number>;
  /** Looking at every series is worth it only when something may have changed. */
  lastTry: { readonly epoch: number; readonly at: number; readonly ended: number } | undefined;
}

interface EpochEnd {
  /** The last epoch of the mark, and its end. */
  epoch: number;
  endedAt: number;
  /** The end of its first. */
  readonly since: number;
}

export function createStaleness(staleAfterMillis: number): Staleness {
  return { staleAfterMillis, createdAt: Date.now(), epochEnds: [], ended: new Set(), lastTry: undefined };
}

/** Remembers when the epoch ended, to an eighth of what is asked for. */
export function markEpochEnd({ epochEnds, staleAfterMillis }: Staleness, epoch: number, endedAt: number): void {
  const last = epochEnds.at(-1);
  if (last !== undefined && endedAt - last.since < staleAfterMillis / 8) {
    last.epoch = epoch;
    last.endedAt = endedAt;
    return;
  }
  epochEnds.push({ epoch, endedAt, since: endedAt });
  while (epochEnds.length > 1 && endedAt - epochEnds[1]!.endedAt >= staleAfterMillis) epochEnds.shift();
}

/**
 * Frees the slots of series that nobody misses: those every delta reader has had all of, and, where a reader is cumulative,
 * those that it was shown as they are and that were ended, or not recorded for `staleAfterMillis`. One of these that comes
 * back begins from 0 with a later start time, which is how a reset is told (specification, metrics data model, "Resets and gaps").
 */
export function makeRoom(storage: SeriesStorage): void {
  const { staleness, slots, epoch } = storage;
  const now = Date.now();
  const { lastTry } = staleness;
  const ended = staleness.ended.size;
  if (lastTry?.epoch === epoch && lastTry.ended === ended && Math.abs(now - lastTry.at) < 1000) return;
  staleness.lastTry = { epoch, at: now, ended };
  // What a delta reader is owed of a series stands in its own rows then.
  if (storage.consumers.length > 1) foldInto(storage);
  const staleEpoch = findStaleEpoch(staleness, now);
  const isDue = dueIn(storage, staleEpoch, now);
  for (let slot = overflowSlot + 1; slot < slots.attributes.length; slot++) {
    if (slots.attributes[slot] !== undefined && isDue(slot)) forget(storage, slot);
  }
}

/** A reader that did not come for 20 minutes, or for four times as long as makes a series stale, is not waited for. */
function isAway({ collectedAt }: ReaderPosition, { staleAfterMillis, createdAt }: Staleness, now: number): boolean {
  return now - Math.max(collectedAt, createdAt) >= Math.max(1_200_000, 4 * staleAfterMillis);
}

/** Whether a series may go. */
function dueIn(storage: SeriesStorage, staleEpoch: number, now: number): (slot: number) => boolean {
  const { consumers, kind, staleness, rows } = storage;
  const canBeStale = !keepsBalance(storage.descriptor.current);
  const cumulative = consumers.find(({ temporality }) => temporality === AggregationTemporality.CUMULATIVE);
  const positions = [...(cumulative?.positions.values() ?? [])];
  const shownTo = (readers: readonly ReaderPosition[]): number =>
    Math.min(...readers.map(({ collectedEpoch }) => collectedEpoch));
  const awaited = positions.filter((position) => !isAway(position, staleness, now));
  const shownToAll = shownTo(awaited);

  const waiting = consumers.filter(({ positions: own }) =>
    [...own.values()].some((position) => !isAway(position, staleness, now)),
  );

  return (slot) => {
    const at = slot * kind.stride;
    const recorded = rows[at] ?? 0;
    if (cumulative === undefined) return recorded === 0 && waiting.every((each) => (each.rows?.[at] ?? 0) === 0);
    const last = Math.max(recorded, cumulative.rows?.[at] ?? 0);
    // A balance that is not settled is kept: whoever else is bound to the series may settle it.
    const isSettled = canBeStale || (cumulative.rows ?? rows)[at + 1] === 0;
    const wasEnded = staleness.ended.has(slot) && last <= shownToAll && isSettled;
    return wasEnded || (canBeStale && last <= staleEpoch && last <= shownToAll);
  };
}

/** An up-down counter's series is a balance: to forget a +1 would leave its -1 behind. */
function keepsBalance({ type }: InstrumentDescriptor): boolean {
  return type === InstrumentType.UP_DOWN_COUNTER;
}

function forget(storage: SeriesStorage, slot: number): void {
  const { kind, consumers, rows, slots, bound, staleness } = storage;
  const at = slot * kind.stride;
  for (const consumer of consumers) {
    if (consumer.rows === undefined || at >= consumer.rows.length) continue;
    // What a delta reader has not had yet reaches it in the overflow's series, so that its sums stay exact.
    const isOwed = consumer.temporality === AggregationTemporality.DELTA && consumer.rows[at] !== 0;
    if (isOwed) {
      kind.fold(consumer.rows, at, consumer.rows, overflowSlot);
      slots.started[overflowSlot] ||= slots.started[slot]!;
    }
    kind.clear(consumer.rows, at);
  }
  kind.clear(rows, at);
  storage.exemplars?.forget(slot);
  for (let series = bound.get(slot); series !== undefined; series = series.next) series.slot = -1;
  bound.delete(slot);
  staleness.ended.delete(slot);
  releaseSlot(slots, slot);
}

/** The last epoch that ended long enough ago. */
function findStaleEpoch({ epochEnds, staleAfterMillis }: Staleness, now: number): number {
  return epochEnds.findLast(({ endedAt }) => now - endedAt >= staleAfterMillis)?.epoch ?? 0;
}
