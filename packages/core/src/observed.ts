import type { ObservableCallback } from "@opentelemetry/api";
import type { CoreState } from "./core-state.ts";
import { guarded } from "./guard.ts";
import type { MeterDefinition } from "./meter-definition.ts";

/** Registers the callback as the meter's observable instrument, with each meter provider that comes. Returns its end. */
export function observe(state: CoreState, meter: MeterDefinition, callback: ObservableCallback): () => void {
  let remove = nothing;

  const register = guarded(state, meter.name, undefined, (): undefined => {
    remove();
    remove = nothing;
    const options = { unit: meter.unit, description: meter.description };
    const provided = state.binding.meter();
    const instrument =
      meter.instrument === "observableUpDownCounter"
        ? provided?.createObservableUpDownCounter(state.nameOf(meter), options)
        : provided?.createObservableGauge(state.nameOf(meter), options);
    instrument?.addCallback(callback);
    remove = () => instrument?.removeCallback(callback);
  });

  const forget = state.binding.onRebind(register);
  register();
  return () => {
    forget();
    remove();
  };
}

function nothing(): void {}
