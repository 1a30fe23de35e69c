import type { Attributes } from "@opentelemetry/api";
import { cleanAttributes } from "./clean-attributes.ts";
import { offerExemplar } from "./exemplar-recording.ts";
import type { Measurable } from "./measurement.ts";
import { DataPointType } from "./official-enums.ts";
import { processed, recordAt, type RecordedStream } from "./recording.ts";
import { slotOf, type BoundSeries, type SeriesStorage } from "./series-storage.ts";
import { overflowSlot } from "./series-slots.ts";

/** Adds to, or records into, the series that was bound. */
export type BoundRecording = (value: number) => void;

export interface Binding {
  readonly record: BoundRecording;
  /** Says that nothing more will come, so that the series may make room once every reader was given it. */
  end(): void;
  readonly [targets]?: readonly BoundTarget[];
}

/** One stream of a bound series. */
export interface BoundTarget {
  readonly storage: SeriesStorage;
  readonly series: BoundSeries;
  readonly lowest: number;
  readonly highest: number;
  readonly refuse: (value: unknown) => void;
}

const targets: unique symbol = Symbol("targets");

/** Where a bound series' values go. Undefined where they are not simply written there. */
export function targetsOf(series: object): readonly BoundTarget[] | undefined {
  return (series as { readonly [targets]?: readonly BoundTarget[] })[targets];
}

/** Lets a handle that is made of a binding be combined as the binding can. */
export function asBinding<Handle extends object>(handle: Handle, binding: Binding): Handle {
  return Object.assign(handle, { [targets]: targetsOf(binding) });
}

/** Looks the series up once, in each stream. */
export function createBinding(
  streams: readonly RecordedStream[],
  measurable: Measurable,
  attributes: Attributes | undefined,
): Binding {
  // What is refused is refused once, however many streams there are.
  const quiet: Measurable = { ...measurable, refuse() {} };
  const bindings = streams.map(({ storage, processors }, at) =>
    bindIn(storage, at === 0 ? measurable : quiet, attributes, processed(attributes, processors, storage)),
  );
  const [only] = bindings;
  if (only !== undefined && bindings.length === 1 && measurable.whole === undefined) return only;
  const { whole } = measurable;
  if (whole === undefined) {
    return {
      record(value) {
        for (const binding of bindings) binding.record(value);
      },
      end,
      ...combinable(bindings),
    };
  }
  return {
    record(value) {
      const kept = Number.isFinite(value) ? whole(value) : value;
      for (const binding of bindings) binding.record(kept);
    },
    end,
  };

  function end(): void {
    for (const binding of bindings) binding.end();
  }
}

/** As one, where all can be combined. */
function combinable(bindings: readonly Binding[]): Pick<Binding, typeof targets> {
  const found = bindings.map(targetsOf);
  return found.includes(undefined) ? {} : { [targets]: found.flatMap((each) => each ?? []) };
}

function bindIn(
  storage: SeriesStorage,
  measurable: Measurable,
  given: Attributes | undefined,
  attributes: Attributes | undefined,
): Binding {
  const series = bindSeries(storage, attributes);
  const isSum = storage.kind.dataPointType === DataPointType.SUM;
  const end = (): void => {
    if (series.slot > overflowSlot) storage.staleness.ended.add(series.slot);
  };
  // Not combined with others: what is offered as an exemplar is looked at one by one.
  if (storage.exemplars !== undefined) {
    return {
      record: exemplarRecording(
        storage,
        series,
        measurable,
        cleanAttributes(given, () => {}),
      ),
      end,
    };
  }
  return {
    record: isSum ? sumRecording(storage, series, measurable) : plainRecording(storage, series, measurable),
    end,
    [targets]: [{ storage, series, ...measurable }],
  };
}

function sumRecording(storage: SeriesStorage, series: BoundSeries, measurable: Measurable): BoundRecording {
  const { lowest, highest, refuse } = measurable;
  return (value) => {
    if (typeof value === "number" && value >= lowest && value <= highest) {
      const slot = series.slot < 0 ? bindAgain(storage, series) : series.slot;
      const { rows } = storage;
      rows[slot * 2] = storage.epoch;
      rows[slot * 2 + 1]! += value;
    } else refuse(value);
  };
}

function plainRecording(storage: SeriesStorage, series: BoundSeries, measurable: Measurable): BoundRecording {
  const { lowest, highest, refuse } = measurable;
  return (value) => {
    if (typeof value === "number" && value >= lowest && value <= highest) {
      recordAt(storage, series.slot < 0 ? bindAgain(storage, series) : series.slot, value);
    } else refuse(value);
  };
}

function exemplarRecording(
  storage: SeriesStorage,
  series: BoundSeries,
  measurable: Measurable,
  given: Attributes,
): BoundRecording {
  const { lowest, highest, refuse } = measurable;
  return (value) => {
    if (typeof value === "number" && value >= lowest && value <= highest) {
      const slot = series.slot < 0 ? bindAgain(storage, series) : series.slot;
      recordAt(storage, slot, value);
      offerExemplar(storage, slot, value, given, undefined);
    } else refuse(value);
  };
}

/** Kept with the slot, so that all who are bound to a series learn when it is forgotten. */
function bindSeries(storage: SeriesStorage, attributes: Attributes | undefined): BoundSeries {
  const slot = slotOf(storage, attributes);
  // The overflow's series is nobody's: there may be room at the next recording.
  if (slot === overflowSlot) {
    return { slot: -1, attributes: cleanAttributes(attributes, () => {}), next: undefined };
  }
  storage.staleness.ended.delete(slot);
  let series = storage.bound.get(slot);
  if (series === undefined) {
    series = { slot, attributes: storage.slots.attributes[slot]!, next: undefined };
    storage.bound.set(slot, series);
  }
  return series;
}

/** The slot of a series that was forgotten, or never found room. */
export function bindAgain(storage: SeriesStorage, series: BoundSeries): number {
  const slot = slotOf(storage, series.attributes);
  if (slot === overflowSlot) return slot;
  series.slot = slot;
  series.next = storage.bound.get(slot);
  storage.bound.set(slot, series);
  return slot;
}
