import type { UsageEvent } from "@meterbridge/core";

/** Events in the order they came, handed out in batches. Pushing never copies. */
export interface EventQueue {
  push(event: UsageEvent): void;
  /** The oldest batch, full or not; undefined when there is none. */
  take(): readonly UsageEvent[] | undefined;
  readonly length: number;
  /** Whether a full batch waits. */
  hasFullBatch(): boolean;
}

export function createEventQueue(batchSize: number): EventQueue {
  let newest: UsageEvent[] = [];
  let full: (readonly UsageEvent[])[] = [];
  let taken = 0;

  return {
    push(event) {
      newest.push(event);
      if (newest.length < batchSize) return;
      full.push(newest);
      newest = [];
    },
    take() {
      if (taken < full.length) {
        const batch = full[taken];
        taken += 1;
        // Let go of as many as still wait: where events come as fast as they go there is never a moment when none do.
        if (taken * 2 >= full.length) {
          full = full.slice(taken);
          taken = 0;
        }
        return batch;
      }
      if (newest.length === 0) return undefined;
      const batch = newest;
      newest = [];
      return batch;
    },
    get length() {
      return (full.length - taken) * batchSize + newest.length;
    },
    hasFullBatch: () => taken < full.length,
  };
}
