import { context as contexts, type Attributes, type Context } from "@opentelemetry/api";
import type { IAttributesProcessor } from "@opentelemetry/sdk-metrics";
import { offerExemplar } from "./exemplar-recording.ts";
import type { Measurable } from "./measurement.ts";
import { DataPointType } from "./official-enums.ts";
import { findSeries } from "./series-index.ts";
import { newSlotOf, slotOf, type SeriesStorage } from "./series-storage.ts";

/** A stream of a synchronous instrument: its storage, and what a view does to attributes on the way. */
export interface RecordedStream {
  readonly storage: SeriesStorage;
  readonly processors: readonly IAttributesProcessor[];
}

export type Recording = (value: number, attributes?: Attributes, context?: Context) => void;

/** What an instrument's `add` or `record` does. The usual case, one stream as recorded, is a lookup and an addition. */
export function createRecording(streams: readonly RecordedStream[], measurable: Measurable): Recording {
  const [stream] = streams;
  if (stream === undefined) return () => {};
  if (measurable.whole !== undefined) return wholeRecording(streams, measurable);
  const isPlain = streams.length === 1 && stream.processors.length === 0 && stream.storage.exemplars === undefined;
  if (!isPlain) return severalRecording(streams, measurable);
  return stream.storage.kind.dataPointType === DataPointType.SUM
    ? sumRecording(stream.storage, measurable)
    : plainRecording(stream.storage, measurable);
}

function sumRecording(storage: SeriesStorage, { lowest, highest, refuse }: Measurable): Recording {
  const { index } = storage.slots;
  return (value, attributes) => {
    // Also false for NaN.
    if (typeof value === "number" && value >= lowest && value <= highest) {
      let slot = -1;
      try {
        slot = findSeries(index, attributes);
      } catch {
        // A getter or a proxy that throws: the copy is made with more care.
      }
      if (slot < 0) slot = newSlotOf(storage, attributes);
      const { rows } = storage;
      rows[slot * 2] = storage.epoch;
      rows[slot * 2 + 1]! += value;
    } else refuse(value);
  };
}

function plainRecording(storage: SeriesStorage, { lowest, highest, refuse }: Measurable): Recording {
  const { stride, record } = storage.kind;
  const { index } = storage.slots;
  return (value, attributes) => {
    if (typeof value === "number" && value >= lowest && value <= highest) {
      let slot = -1;
      try {
        slot = findSeries(index, attributes);
      } catch {
        // As above.
      }
      if (slot < 0) slot = newSlotOf(storage, attributes);
      const { rows } = storage;
      rows[slot * stride] = storage.epoch;
      record(rows, slot * stride, value);
    } else refuse(value);
  };
}

function severalRecording(streams: readonly RecordedStream[], { lowest, highest, refuse }: Measurable): Recording {
  return (value, attributes, context) => {
    if (typeof value === "number" && value >= lowest && value <= highest) {
      for (const { storage, processors } of streams) {
        const slot = slotOf(storage, processed(attributes, processors, storage, context));
        recordAt(storage, slot, value);
        if (storage.exemplars !== undefined) offerExemplar(storage, slot, value, attributes, context);
      }
    } else refuse(value);
  };
}

function wholeRecording(streams: readonly RecordedStream[], measurable: Measurable): Recording {
  const record = createRecording(streams, { ...measurable, whole: undefined });
  const { whole } = measurable;
  return (value, attributes, context) => {
    record(Number.isFinite(value) ? whole!(value) : value, attributes, context);
  };
}

export function recordAt({ kind, rows, epoch }: SeriesStorage, slot: number, value: number): void {
  rows[slot * kind.stride] = epoch;
  kind.record(rows, slot * kind.stride, value);
}

/** The attributes as a view wants them. A processor that throws costs its work, not the measurement. */
export function processed(
  attributes: Attributes | undefined,
  processors: readonly IAttributesProcessor[],
  storage: Pick<SeriesStorage, "refused">,
  context?: Context,
): Attributes | undefined {
  if (processors.length === 0) return attributes;
  try {
    const active = context ?? contexts.active();
    return processors.reduce((before, processor) => processor.process(before, active), attributes ?? {});
  } catch {
    storage.refused();
    return {};
  }
}
