import { catalogueMeter } from "./catalogue.ts";
import type { CoreState } from "./core-state.ts";
import { createFamily } from "./family.ts";
import { readFinished, type Finished } from "./finished.ts";
import { guarded } from "./guard.ts";
import { measureRun, noRun, startRun, type Ending, type Run } from "./run.ts";

/** A workflow's run that has ended. */
export interface FinishedWorkflowRun extends Finished {
  readonly workflow: string;
}

export interface WorkflowRecorder {
  /** Counts a workflow that was created (defined, saved, deployed), in `workflow.created`. */
  created(workflow: string): void;
  /** Starts a run: `workflow.active` rises until it ends, then executions by status and the duration are recorded. */
  start(workflow: string): Run;
  /** Runs `work` as a run of the workflow; it completes, fails or (on abort) is cancelled by how `work` ends. */
  measure<Result>(workflow: string, work: (run: Run) => Result): Promise<Awaited<Result>>;
  /** Records a run that was timed elsewhere. */
  record(run: FinishedWorkflowRun): void;
}

export function createWorkflowRecorder(state: CoreState): WorkflowRecorder {
  const created = createFamily(state, { members: { count: { meter: catalogueMeter("workflow.created") } } });
  const active = createFamily(state, { members: { count: { meter: catalogueMeter("workflow.active") } } });
  const executions = createFamily(state, { members: { count: { meter: catalogueMeter("workflow.executions") } } });
  const duration = createFamily(state, {
    members: { seconds: { meter: catalogueMeter("gen_ai.invoke_workflow.duration") } },
  });

  const start = guarded(state, "workflow.executions", noRun, (workflow: string): Run => {
    const inProgress = active.series([workflow]).cells.count;
    inProgress(1);
    return startRun(state, "workflow.executions", (ending) => {
      inProgress(-1);
      ended(workflow, ending);
    });
  });

  function ended(workflow: string | undefined, { status, seconds, errorType }: Ending): void {
    const labels = state.attribution.labels();
    executions.series([workflow, status], labels).cells.count(1);
    duration.series([workflow, errorType], labels).cells.seconds(seconds);
  }

  return {
    created: guarded(state, "workflow.created", undefined, (workflow: string) =>
      created.series([workflow]).cells.count(1),
    ),
    start,
    measure: (workflow, work) => measureRun(start(workflow), work),
    record: guarded(state, "workflow.executions", undefined, (run: FinishedWorkflowRun) => {
      const { name, ending } = readFinished(state, "workflow.executions", run, ({ workflow }) => workflow);
      ended(name, ending);
    }),
  };
}
