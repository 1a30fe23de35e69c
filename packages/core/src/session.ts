import { catalogueMeter } from "./catalogue.ts";
import type { CoreState } from "./core-state.ts";
import { createFamily } from "./family.ts";
import { guarded } from "./guard.ts";
import { startRun } from "./run.ts";

/** A session in progress. */
export interface Session {
  /** Ends it. The first call counts. */
  end(): void;
}

export interface SessionRecorder {
  /** Begins a session: counted in `session.created`, `session.active` until it ends, then its duration is recorded. */
  start(): Session;
}

export function createSessionRecorder(state: CoreState): SessionRecorder {
  const sessions = createFamily(state, {
    members: {
      created: { meter: catalogueMeter("session.created") },
      active: { meter: catalogueMeter("session.active") },
      seconds: { meter: catalogueMeter("session.duration") },
    },
  });
  return {
    start: guarded(state, "session.created", { end() {} }, () => {
      const { cells } = sessions.series([]);
      cells.created(1);
      cells.active(1);
      const run = startRun(state, "session.duration", ({ seconds }) => {
        cells.active(-1);
        sessions.series([]).cells.seconds(seconds);
      });
      return { end: run.complete };
    }),
  };
}
