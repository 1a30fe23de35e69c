import type { Attributes, Context } from "@opentelemetry/api";
import { bucketOf } from "./bucket-of.ts";
import { exponentialPlaces } from "./exemplars.ts";
import { DataPointType } from "./official-enums.ts";
import type { SeriesStorage } from "./series-storage.ts";

/** Offers a measurement that was recorded to the stream's exemplars. What goes wrong costs the exemplar, not the measurement. */
export function offerExemplar(
  storage: SeriesStorage,
  slot: number,
  value: number,
  given: Attributes | undefined,
  context: Context | undefined,
): void {
  const { exemplars, kind, epoch, slots } = storage;
  if (exemplars === undefined) return;
  try {
    exemplars.offer(slot, placeOf(storage, value), {
      value,
      epoch,
      given,
      kept: slots.attributes[slot] ?? {},
      context,
    });
  } catch {
    // A context manager or a span that throws.
  }

  function placeOf({ rows }: SeriesStorage, measured: number): number {
    if (kind.buckets !== undefined) return bucketOf(kind.buckets, measured);
    if (kind.dataPointType !== DataPointType.EXPONENTIAL_HISTOGRAM) return 0;
    // Its count, so that each of the last twenty has one.
    return rows[slot * kind.stride + 4]! % exponentialPlaces;
  }
}
