import type { ObservableCallback } from "@opentelemetry/api";
import type { CoreState } from "./core-state.ts";
import { guarded } from "./guard.ts";
import type { MeterDefinition } from "./meter-definition.ts";

/** Registers the callback as the meter's observable gauge, with each meter provider that comes. Returns its end. */
export function observe(state: CoreState, meter: MeterDefinition, callback: ObservableCallback): () => void {
  let remove = nothing;

  const register = guarded(state, meter.name, undefined, (): undefined => {
    remove();
    remove = nothing;
    const gauge = state.binding.meter()?.createObservableGauge(state.nameOf(meter), {
      unit: meter.unit,
      description: meter.description,
    });
    gauge?.addCallback(callback);
    remove = () => gauge?.removeCallback(callback);
  });

  const forget = state.binding.onRebind(register);
  register();
  return () => {
    forget();
    remove();
  };
}

function nothing(): void {}
