import { context, propagation } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { CompositePropagator, W3CTraceContextPropagator } from "@opentelemetry/core";
import { baggagePropagator } from "./baggage-propagator.ts";
import type { PropagatorName } from "./config-file-settings.ts";
import { registeredApi } from "./registered-api.ts";

/**
 * Registers what attribution needs to follow a call through `await` and to the next service, where the process has none
 * yet: a context manager and the W3C propagators, or those of them that are named. `takesAttribution`: that which callers send is believed. The
 * function takes back what was registered.
 */
export function registerContext(
  takesAttribution: boolean,
  named: readonly PropagatorName[] = ["tracecontext", "baggage"],
): () => void {
  const undo: (() => void)[] = [];
  if (registeredApi()?.context === undefined) {
    const manager = new AsyncLocalStorageContextManager().enable();
    if (context.setGlobalContextManager(manager)) undo.push(() => context.disable());
  }
  if (registeredApi()?.propagation === undefined) {
    const propagators = named.map((name) =>
      name === "tracecontext" ? new W3CTraceContextPropagator() : baggagePropagator({ takesAttribution }),
    );
    if (propagation.setGlobalPropagator(new CompositePropagator({ propagators })))
      undo.push(() => propagation.disable());
  }
  return () => undo.forEach((each) => each());
}
