import type { UsageEvent, UsageSink } from "./usage-event.ts";

export interface UsageSinks {
  /** Whether anybody listens: without a sink no event is built. */
  any(): boolean;
  /** Adds a sink; the returned function removes it. */
  add(sink: UsageSink): () => void;
  write(event: UsageEvent): void;
  seen(user: string, tenant: string | null): void;
}

/** Hands each event to every sink. One that throws does not keep it from the others. */
export function createUsageSinks(failed: (error: unknown) => void): UsageSinks {
  const sinks = new Set<UsageSink>();
  return {
    any: () => sinks.size > 0,
    add(sink) {
      sinks.add(sink);
      return () => void sinks.delete(sink);
    },
    write(event) {
      hand((sink) => sink.write(event));
    },
    seen(user, tenant) {
      hand((sink) => sink.seen?.(user, new Date(), tenant));
    },
  };

  function hand(give: (sink: UsageSink) => unknown): void {
    for (const sink of sinks) {
      try {
        // The type allows an async function too, whose rejection nobody else would handle.
        const given = give(sink);
        if (given instanceof Promise) given.catch(failed);
      } catch (error) {
        failed(error);
      }
    }
  }
}
