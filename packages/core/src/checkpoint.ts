import { catalogueMeter } from "./catalogue.ts";
import type { CoreState } from "./core-state.ts";
import { createFamily } from "./family.ts";
import { guarded } from "./guard.ts";
import type { Decision } from "./vocabulary.ts";

export interface CheckpointRecorder {
  /** Counts a checkpoint put before a person. The name is a kind of checkpoint, not one checkpoint's id. */
  created(checkpoint?: string): void;
  /** Counts a checkpoint's decision. */
  decided(checkpoint: string | undefined, decision: Decision): void;
}

export function createCheckpointRecorder(state: CoreState): CheckpointRecorder {
  const created = createFamily(state, { members: { count: { meter: catalogueMeter("checkpoint.created") } } });
  const decided = createFamily(state, { members: { count: { meter: catalogueMeter("checkpoint.decided") } } });
  return {
    created: guarded(state, "checkpoint.created", undefined, (checkpoint?: string) =>
      created.series([checkpoint]).cells.count(1),
    ),
    decided: guarded(state, "checkpoint.decided", undefined, (checkpoint: string | undefined, decision: Decision) =>
      decided.series([checkpoint, decision]).cells.count(1),
    ),
  };
}
