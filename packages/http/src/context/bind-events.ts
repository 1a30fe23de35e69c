import { AsyncLocalStorage } from "node:async_hooks";
import type { EventEmitter } from "node:events";

/**
 * Has the listeners of the emitters called in the context that is active now. Node.js calls those of a request and its response in the
 * connection's context, so that what reads a body by `data` and `end`, as body parsers do, would lose the request.
 */
export function bindEvents(...emitters: readonly EventEmitter[]): void {
  const inContext = AsyncLocalStorage.snapshot();
  for (const emitter of emitters) {
    const emit = emitter.emit.bind(emitter);
    emitter.emit = (name: string, ...values: unknown[]) =>
      emitter.listenerCount(name) === 0 ? emit(name, ...values) : inContext(emit, name, ...values);
  }
}
