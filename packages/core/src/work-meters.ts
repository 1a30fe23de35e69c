import { agentSeconds, jobSeconds, modelCallSeconds, workflowSeconds } from "./buckets.ts";
import {
  counter,
  histogram,
  observableGauge,
  optionalText,
  text,
  upDownCounter,
  type MeterDefinition,
} from "./meter-definition.ts";
import { errorType, genAi } from "./semconv.ts";
import { runStatuses as status } from "./vocabulary.ts";

/** What an AI product does with its model calls: workflows, agents and their nodes, tools, tasks. */
export const workMeters: readonly MeterDefinition[] = [
  // Workflows, agents, tools, tasks.
  counter("workflow.created", "{workflow}", "Workflows created", { workflow: text }),
  counter("workflow.executions", "{execution}", "Workflow runs that ended, by how", { workflow: text, status }),
  upDownCounter("workflow.active", "{execution}", "Workflow runs in progress", { workflow: text }),
  histogram(
    "gen_ai.invoke_workflow.duration",
    "s",
    "Duration of a workflow run",
    { [genAi.workflow]: text, [errorType]: optionalText },
    workflowSeconds,
  ),
  counter("agent.executions", "{execution}", "Agent runs that ended, by how", { agent: text, status }),
  upDownCounter("agent.active", "{execution}", "Agent runs in progress", { agent: text }),
  histogram(
    "gen_ai.invoke_agent.duration",
    "s",
    "Duration of an agent run",
    { [genAi.agent]: text, [errorType]: optionalText },
    agentSeconds,
  ),
  counter("agent.node.executions", "{execution}", "Agent nodes that ended, by how", {
    agent: text,
    node: text,
    status,
  }),
  histogram(
    "agent.node.duration",
    "s",
    "Duration of an agent's node",
    { agent: text, node: text, status },
    agentSeconds,
  ),
  counter("tool.calls", "{call}", "Tool calls that ended, by how", { tool: text, status }),
  histogram(
    "gen_ai.execute_tool.duration",
    "s",
    "Duration of a tool call",
    { [genAi.tool]: text, [errorType]: optionalText },
    modelCallSeconds,
  ),
  counter("task.completed", "{task}", "Tasks that ended, by how", { status }),
  histogram("task.duration", "s", "Duration of a task", { status }, jobSeconds),
  observableGauge("task.success_ratio", "1", "Share of ended tasks that completed, since the process started", {}),
];
