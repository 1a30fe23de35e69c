import { metrics, type Meter, type MeterProvider } from "@opentelemetry/api";

/** Follows the process's meter provider, because the metrics API has no proxy: instruments made early stay dead. */
export interface ProviderBinding {
  /** Rises whenever instruments have to be made anew. 0 while no provider has ever been registered. */
  generation(): number;
  /** Whether a provider is registered now. */
  isBound(): boolean;
  /** Whether the provider can forget series, so that a stale one may make room. */
  canForget(): boolean;
  /** The meter to make instruments from. Null while no provider is registered. */
  meter(): Meter | null;
  /** Calls back after each change of provider, and on {@link invalidate}. The returned function ends that. */
  onRebind(callback: () => void): () => void;
  /** Has all instruments made anew, because their names or labels changed. */
  invalidate(): void;
}

/** A provider that forgets series which are no longer recorded carries this property. */
const forgets: symbol = Symbol.for("meterbridge.forgets");

/**
 * The API's own registry. `metrics.getMeterProvider()` would do, at ten times the price: this read is on every recording's
 * path. Only the identity is looked at; the meter itself comes from the API.
 */
const apiRegistry: symbol = Symbol.for("opentelemetry.js.api.1");

export function createProviderBinding(scope: { readonly name: string; readonly version: string }): ProviderBinding {
  let provider: MeterProvider | undefined;
  let generation = 0;
  const callbacks = new Set<() => void>();

  function follow(): void {
    const registry = (globalThis as { [key: symbol]: { metrics?: MeterProvider } | undefined })[apiRegistry];
    if (registry?.metrics !== provider) {
      provider = registry?.metrics;
      invalidate();
    }
  }

  function invalidate(): void {
    generation++;
    for (const callback of callbacks) callback();
  }

  return {
    generation() {
      follow();
      return generation;
    },
    isBound() {
      follow();
      return provider !== undefined;
    },
    canForget: () => provider !== undefined && Reflect.get(provider, forgets) === true,
    meter: () => (provider === undefined ? null : metrics.getMeter(scope.name, scope.version)),
    onRebind(callback) {
      callbacks.add(callback);
      return () => void callbacks.delete(callback);
    },
    invalidate,
  };
}
