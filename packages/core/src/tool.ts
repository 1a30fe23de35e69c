import { catalogueMeter } from "./catalogue.ts";
import type { CoreState } from "./core-state.ts";
import { createFamily } from "./family.ts";
import { readFinished, type Finished } from "./finished.ts";
import { guarded } from "./guard.ts";
import { measureRun, noRun, startRun, type Ending, type Run } from "./run.ts";
import { writeWorkEvent } from "./work-event.ts";

/** A tool call that has ended. */
export interface ToolCall extends Finished {
  readonly tool: string;
}

export interface ToolRecorder {
  /** Starts a call; its ending counts in `tool.calls` by status, records the duration, and makes one usage event. */
  start(tool: string): Run;
  /** Runs `work` as a call of the tool; it completes, fails or (on abort) is cancelled by how `work` ends. */
  measure<Result>(tool: string, work: (run: Run) => Result): Promise<Awaited<Result>>;
  /** Records a call that was timed elsewhere. */
  record(call: ToolCall): void;
}

export function createToolRecorder(state: CoreState): ToolRecorder {
  const calls = createFamily(state, { members: { count: { meter: catalogueMeter("tool.calls") } } });
  const duration = createFamily(state, {
    members: { seconds: { meter: catalogueMeter("gen_ai.execute_tool.duration") } },
  });

  function ended(tool: string | undefined, ending: Ending): void {
    const labels = state.attribution.labels();
    calls.series([tool, ending.status], labels).cells.count(1);
    duration.series([tool, ending.errorType], labels).cells.seconds(ending.seconds);
    writeWorkEvent(state, "tool_call", tool, ending);
  }

  const start = guarded(state, "tool.calls", noRun, (tool: string) =>
    startRun(state, "tool.calls", (ending) => ended(tool, ending)),
  );

  return {
    start,
    measure: (tool, work) => measureRun(start(tool), work),
    record: guarded(state, "tool.calls", undefined, (call: ToolCall) => {
      const { name, ending } = readFinished(state, "tool.calls", call, ({ tool }) => tool);
      ended(name, ending);
    }),
  };
}
