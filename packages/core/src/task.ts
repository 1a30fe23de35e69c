import type { ObservableResult } from "@opentelemetry/api";
import { catalogueMeter } from "./catalogue.ts";
import type { CoreState } from "./core-state.ts";
import { createFamily } from "./family.ts";
import { readFinished, type Finished } from "./finished.ts";
import { guarded } from "./guard.ts";
import { observe } from "./observed.ts";
import { measureRun, noRun, startRun, type Ending, type Run } from "./run.ts";
import { writeWorkEvent } from "./work-event.ts";

/** A task that has ended. */
export interface FinishedTask extends Finished {
  /** Kept in the usage event, no label. */
  readonly name?: string | undefined;
}

export interface TaskRecorder {
  /** Starts a task; its ending counts in `task.completed` by status, records the duration, and makes one usage event. */
  start(name?: string): Run;
  /** Runs `work` as a task; it completes, fails or (on abort) is cancelled by how `work` ends. */
  measure<Result>(name: string, work: (run: Run) => Result): Promise<Awaited<Result>>;
  /** Records a task that was timed elsewhere. */
  record(task: FinishedTask): void;
}

export function createTaskRecorder(state: CoreState): TaskRecorder {
  const tasks = createFamily(state, {
    members: {
      count: { meter: catalogueMeter("task.completed") },
      seconds: { meter: catalogueMeter("task.duration") },
    },
  });
  let ended = 0;
  let completed = 0;
  observe(state, catalogueMeter("task.success_ratio"), (result: ObservableResult) => {
    if (ended > 0) result.observe(completed / ended);
  });

  function record(name: string | undefined, ending: Ending): void {
    const { cells } = tasks.series([ending.status]);
    cells.count(1);
    cells.seconds(ending.seconds);
    ended++;
    if (ending.status === "completed") completed++;
    writeWorkEvent(state, "task", name, ending);
  }

  const start = guarded(state, "task.completed", noRun, (name?: string) =>
    startRun(state, "task.completed", (ending) => record(name, ending)),
  );

  return {
    start,
    measure: (name, work) => measureRun(start(name), work),
    record: guarded(state, "task.completed", undefined, (task: FinishedTask) => {
      const { name, ending } = readFinished(state, "task.completed", task, (fields) => fields.name);
      record(name, ending);
    }),
  };
}
