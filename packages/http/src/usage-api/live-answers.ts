import type { MeterPoint } from "../running-sdk.ts";
import type {
  LiveCheckpointsAnswer,
  LiveCheckpointsTotal,
  LiveSummaryAnswer,
  LiveWorkflowsAnswer,
  LiveWorkflowsTotal,
} from "./answers.ts";
import { liveLlm } from "./live-llm.ts";
import { averageOf, ended, having, since, sumOf, type LivePoints } from "./live-points.ts";

export function liveWorkflows(points: LivePoints): LiveWorkflowsAnswer {
  const created = points.by("workflow.created", "workflow");
  const active = points.by("workflow.active", "workflow");
  const executions = points.by("workflow.executions", "workflow");
  const durations = points.by("gen_ai.invoke_workflow.duration", "gen_ai.workflow.name");
  const names = namesOf(created, active, executions, durations);
  return {
    ...since(),
    ...workflowsTotal(points),
    workflows: names.map((name) => ({
      workflow: name ?? "",
      created: sumOf(created.get(name)),
      active: sumOf(active.get(name)),
      executions: ended(executions.get(name)),
      averageDurationSeconds: averageOf(durations.get(name)),
    })),
  };
}

export function liveCheckpoints(points: LivePoints): LiveCheckpointsAnswer {
  const created = points.by("checkpoint.created", "checkpoint");
  const decided = points.by("checkpoint.decided", "checkpoint");
  return {
    ...since(),
    ...checkpointsTotal(points.of("checkpoint.created"), points.of("checkpoint.decided")),
    checkpoints: namesOf(created, decided).map((name) => ({
      checkpoint: name,
      ...checkpointsTotal(created.get(name), decided.get(name)),
    })),
  };
}

/** @param isOfAll Whether it is of all tenants: users are counted for all together. */
export function liveSummary(points: LivePoints, isOfAll: boolean): LiveSummaryAnswer {
  const { models: _models, duration, since: _since, ...llm } = liveLlm(points);
  const tasks = ended(points.of("task.completed"));
  return {
    ...since(),
    workflows: workflowsTotal(points),
    llm: { ...llm, averageDurationSeconds: duration.averageSeconds },
    tasks: { ...tasks, successRatio: tasks.total === 0 ? null : tasks.completed / tasks.total },
    toolCalls: ended(points.of("tool.calls")),
    checkpoints: checkpointsTotal(points.of("checkpoint.created"), points.of("checkpoint.decided")),
    webhooks: ended(points.of("webhook.sent")),
    activeUsers: isOfAll ? activeUsers(points) : null,
  };
}

/** Every name that one of the groups has, in their order, the unknown one last. */
function namesOf(...groups: readonly ReadonlyMap<string | null, unknown>[]): readonly (string | null)[] {
  const names = new Set(groups.flatMap((group) => [...group.keys()]));
  const known = [...names].filter((name) => name !== null).toSorted();
  return names.has(null) ? [...known, null] : known;
}

function workflowsTotal(points: LivePoints): LiveWorkflowsTotal {
  return {
    created: sumOf(points.of("workflow.created")),
    active: sumOf(points.of("workflow.active")),
    executions: ended(points.of("workflow.executions")),
    averageDurationSeconds: averageOf(points.of("gen_ai.invoke_workflow.duration")),
  };
}

function checkpointsTotal(
  created: readonly MeterPoint[] = [],
  decided: readonly MeterPoint[] = [],
): LiveCheckpointsTotal {
  return {
    created: sumOf(created),
    approved: sumOf(having(decided, "decision", "approved")),
    rejected: sumOf(having(decided, "decision", "rejected")),
    expired: sumOf(having(decided, "decision", "expired")),
  };
}

function activeUsers(points: LivePoints): Readonly<Record<string, number>> {
  const windows = [...points.by("user.active", "window")];
  return Object.fromEntries(windows.map(([window, some]) => [window ?? "", sumOf(some)]));
}
