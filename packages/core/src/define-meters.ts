import type { Attributes, ObservableResult } from "@opentelemetry/api";
import { createStrayCheck, readAttribute } from "./attribute-reading.ts";
import { checkDefinition } from "./check-definition.ts";
import type { CoreState } from "./core-state.ts";
import { createFamily } from "./family.ts";
import { guarded } from "./guard.ts";
import { labelValue } from "./label-value.ts";
import { isObserved, kindOf, type MeterDefinition } from "./meter-definition.ts";
import { observe } from "./observed.ts";
import type { OwnMeter, RecorderOf } from "./own-meter.ts";
import type { RefusalReason } from "./vocabulary.ts";

/** Makes recorders for the application's own meters, under the same rules as ours. Throws when a definition is wrong. */
export type DefineMeters = <const Meters extends Readonly<Record<string, OwnMeter>>>(
  meters: Meters,
) => { readonly [Key in keyof Meters]: RecorderOf<Meters[Key]> };

/** A user's own meter, and the one recorder that all its definitions get: with several, its series limit would not hold. */
export interface DefinedMeter {
  readonly meter: MeterDefinition;
  readonly recorder: object;
}

export function createDefineMeters(state: CoreState, defined: Map<string, DefinedMeter>): DefineMeters {
  function define(own: OwnMeter): object {
    const meter: MeterDefinition = { ...own, attributes: own.attributes ?? {} };
    checkDefinition(meter);
    const known = defined.get(meter.name);
    if (known !== undefined) {
      if (JSON.stringify(known.meter) === JSON.stringify(meter)) return known.recorder;
      throw new Error(`[meterbridge] meter "${meter.name}" is already defined otherwise: choose another name`);
    }
    const recorder = isObserved(meter) ? createObserver(state, meter) : createRecorder(state, meter);
    defined.set(meter.name, { meter, recorder });
    return recorder;
  }

  return ((meters) =>
    Object.fromEntries(Object.entries(meters).map(([key, own]) => [key, define(own)]))) as DefineMeters;
}

function createRecorder(state: CoreState, meter: MeterDefinition): object {
  const keys = Object.keys(meter.attributes);
  const family = createFamily(state, { members: { value: { meter } } });
  const strays = createStrayCheck(state, meter.name, new Set(keys));
  const record = guarded(state, meter.name, undefined, (value: number, attributes?: unknown): undefined => {
    strays(attributes);
    family.series(keys.map((key) => readAttribute(attributes, key))).cells.value(value);
  });
  return meter.instrument === "counter" || meter.instrument === "upDownCounter" ? { add: record } : { record };
}

/** Observed values go past the family: at each collection the callback says which series there are. */
function createObserver(state: CoreState, meter: MeterDefinition): object {
  const rules = Object.entries(meter.attributes);
  return {
    observe(callback: (observe: (value: number, attributes?: unknown) => void) => void) {
      const observed = guarded(state, meter.name, undefined, (result: ObservableResult): undefined => {
        let room = state.seriesLimit(meter.name) - 1;
        const observing: unknown = callback((value, given) => {
          if (typeof value !== "number") state.refuse(meter.name, "not_a_number");
          else if (!Number.isFinite(value)) state.refuse(meter.name, "not_finite");
          else if (room-- <= 0) state.seriesDropped(meter.name);
          else {
            const attributes: Attributes = {};
            for (const [key, rule] of rules) {
              const refuse = (reason: RefusalReason): void => state.refuse(meter.name, reason);
              const label = labelValue(readAttribute(given, key), kindOf(rule), refuse);
              if (label !== undefined) attributes[key] = label;
            }
            result.observe(value, attributes);
          }
        });
        // The type allows an async function too, whose rejection nobody else would handle.
        if (observing instanceof Promise)
          observing.catch((error: unknown) => state.refuse(meter.name, "recorder_failed", error));
      });
      return observe(state, meter, observed);
    },
  };
}
