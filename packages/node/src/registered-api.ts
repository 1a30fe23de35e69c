import { metrics } from "@opentelemetry/api";

/** What is registered globally with `@opentelemetry/api`, by whichever copy of it. */
export interface RegisteredApi {
  readonly version: string;
  readonly metrics?: object;
  readonly trace?: object;
  readonly logs?: object;
  readonly context?: object;
  readonly propagation?: object;
  readonly diag?: object;
}

/**
 * The API's global registry. The API has no getter that tells "nothing registered" from "registered by a version that
 * I must not see", which is why its well-known symbol is read here.
 */
export function registeredApi(): RegisteredApi | undefined {
  return (globalThis as { [REGISTRY]?: RegisteredApi })[REGISTRY];
}

/**
 * The version of an `@opentelemetry/api` that has taken the global registry and cannot be seen by ours: the copy asking
 * must not be newer than the copy that registered. Registering through ours would be refused without a visible word.
 */
export function incompatibleApiVersion(): string | undefined {
  const registered = registeredApi();
  if (registered === undefined) return undefined;
  if (registered.metrics !== undefined) {
    return registered.metrics === metrics.getMeterProvider() ? undefined : registered.version;
  }
  return registersThroughOurs() ? undefined : registered.version;
}

const REGISTRY: unique symbol = Symbol.for("opentelemetry.js.api.1");

/** Asks by trying: the API compares exact versions, and does not export its own. */
function registersThroughOurs(): boolean {
  const nothing = { getMeter: () => undefined as never };
  const registered = metrics.setGlobalMeterProvider(nothing);
  if (registered) metrics.disable();
  return registered;
}
