import { type Baggage, type Context, propagation, type TextMapPropagator } from "@opentelemetry/api";
import { W3CBaggagePropagator } from "@opentelemetry/core";

/**
 * W3C baggage of the application and its libraries, without attribution. A propagator is not told whom it writes to, and every HTTP
 * instrumentation has it write to whoever is called, so attribution never leaves here: `sendAttribution()` does that, by host. What
 * comes in is taken when the callers are trusted: whoever can send a header could say on whose behalf he asks.
 */
export function baggagePropagator({ takesAttribution }: { readonly takesAttribution: boolean }): TextMapPropagator {
  const propagator = new W3CBaggagePropagator();
  return {
    inject: (context, carrier, setter) => propagator.inject(withoutAttribution(context), carrier, setter),
    extract(context, carrier, getter) {
      const extracted = propagator.extract(context, carrier, getter);
      return takesAttribution ? extracted : withoutAttribution(extracted);
    },
    fields: () => propagator.fields(),
  };
}

/** Core writes and reads attribution under keys that begin so. */
export const attributionPrefix = "meterbridge.";

function withoutAttribution(context: Context): Context {
  const baggage = propagation.getBaggage(context);
  const keys = baggage === undefined ? [] : attributionKeys(baggage);
  return baggage === undefined || keys.length === 0
    ? context
    : propagation.setBaggage(context, baggage.removeEntries(...keys));
}

function attributionKeys(baggage: Baggage): string[] {
  return baggage
    .getAllEntries()
    .map(([key]) => key)
    .filter((key) => key.startsWith(attributionPrefix));
}
