import { context } from "@opentelemetry/api";
import { catalogueMeter } from "./catalogue.ts";
import type { CoreState } from "./core-state.ts";
import { createFamily } from "./family.ts";
import { readFinished, type Finished } from "./finished.ts";
import { guarded } from "./guard.ts";
import { measureRun, noRun, startRun, type Ending, type Run } from "./run.ts";

/** An agent's run, whose nodes (steps of its graph) are runs too. */
export interface AgentRun extends Run {
  /** Starts a node of this run. */
  node(node: string): Run;
  /** Runs `work` as a node of this run. */
  measureNode<Result>(node: string, work: (run: Run) => Result): Promise<Awaited<Result>>;
}

/** An agent's run that has ended. */
export interface FinishedAgentRun extends Finished {
  readonly agent: string;
}

export interface AgentRecorder {
  /** Starts a run: `agent.active` rises until it ends, then executions by status and the duration are recorded. */
  start(agent: string): AgentRun;
  /** Runs `work` as a run of the agent; it completes, fails or (on abort) is cancelled by how `work` ends. */
  measure<Result>(agent: string, work: (run: AgentRun) => Result): Promise<Awaited<Result>>;
  /** Records a run that was timed elsewhere. */
  record(run: FinishedAgentRun): void;
}

const noAgentRun: AgentRun = { ...noRun, node: () => noRun, measureNode: (_node, work) => measureRun(noRun, work) };

export function createAgentRecorder(state: CoreState): AgentRecorder {
  const active = createFamily(state, { members: { count: { meter: catalogueMeter("agent.active") } } });
  const executions = createFamily(state, { members: { count: { meter: catalogueMeter("agent.executions") } } });
  const duration = createFamily(state, {
    members: { seconds: { meter: catalogueMeter("gen_ai.invoke_agent.duration") } },
  });
  const nodes = createFamily(state, {
    members: {
      count: { meter: catalogueMeter("agent.node.executions") },
      seconds: { meter: catalogueMeter("agent.node.duration") },
    },
  });

  function ended(agent: string | undefined, { status, seconds, errorType }: Ending): void {
    const labels = state.attribution.labels();
    executions.series([agent, status], labels).cells.count(1);
    duration.series([agent, errorType], labels).cells.seconds(seconds);
  }

  const start = guarded(state, "agent.executions", noAgentRun, (agent: string): AgentRun => {
    const begunIn = context.active();
    const inProgress = active.series([agent]).cells.count;
    inProgress(1);
    const run = startRun(state, "agent.executions", (ending) => {
      inProgress(-1);
      ended(agent, ending);
    });
    const node = (name: string): Run =>
      startRun(
        state,
        "agent.node.executions",
        ({ status, seconds }) => {
          const { cells } = nodes.series([agent, name, status]);
          cells.count(1);
          cells.seconds(seconds);
        },
        begunIn,
      );
    return { ...run, node, measureNode: (name, work) => measureRun(node(name), work) };
  });

  return {
    start,
    measure: (agent, work) => measureRun(start(agent), work),
    record: guarded(state, "agent.executions", undefined, (run: FinishedAgentRun) => {
      const { name, ending } = readFinished(state, "agent.executions", run, ({ agent }) => agent);
      ended(name, ending);
    }),
  };
}
