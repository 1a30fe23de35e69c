import { createAgentRecorder, type AgentRecorder } from "./agent.ts";
import type { Attribution } from "./attribution.ts";
import { catalogue } from "./catalogue.ts";
import { createCheckpointRecorder, type CheckpointRecorder } from "./checkpoint.ts";
import type { CoreOptions } from "./configuration.ts";
import { createCoreState } from "./core-state.ts";
import { createDatabaseRecorder, type DatabaseRecorder } from "./database.ts";
import { createDefineMeters, type DefinedMeter, type DefineMeters } from "./define-meters.ts";
import { createHttpRecorder, type HttpRecorder } from "./http.ts";
import { createLlmRecorder, type LlmRecorder } from "./llm.ts";
import { createMcpRecorder, type McpRecorder } from "./mcp.ts";
import type { MeterDefinition } from "./meter-definition.ts";
import { createRagRecorder, type RagRecorder } from "./rag.ts";
import { createSessionRecorder, type SessionRecorder } from "./session.ts";
import { createTaskRecorder, type TaskRecorder } from "./task.ts";
import { createToolRecorder, type ToolRecorder } from "./tool.ts";
import type { UsageSink } from "./usage-event.ts";
import { createUsersRecorder, type UsersRecorder } from "./users.ts";
import { createWebhookRecorder, type WebhookRecorder } from "./webhook.ts";
import { createWorkflowRecorder, type WorkflowRecorder } from "./workflow.ts";

/** All recorders over one state. */
export interface Core {
  readonly llm: LlmRecorder;
  readonly workflow: WorkflowRecorder;
  readonly agent: AgentRecorder;
  readonly tool: ToolRecorder;
  readonly task: TaskRecorder;
  readonly checkpoint: CheckpointRecorder;
  readonly webhook: WebhookRecorder;
  readonly users: UsersRecorder;
  readonly session: SessionRecorder;
  readonly rag: RagRecorder;
  readonly mcp: McpRecorder;
  readonly http: HttpRecorder;
  readonly database: DatabaseRecorder;
  readonly defineMeters: DefineMeters;
  configure(options: CoreOptions): void;
  withAttribution<Result>(attribution: Attribution, work: () => Result): Result;
  currentAttribution(): Attribution;
  addUsageSink(sink: UsageSink): () => void;
  describeMeters(): readonly MeterDefinition[];
}

export function createCore(): Core {
  const state = createCoreState();
  const defined = new Map<string, DefinedMeter>();
  return {
    llm: createLlmRecorder(state),
    workflow: createWorkflowRecorder(state),
    agent: createAgentRecorder(state),
    tool: createToolRecorder(state),
    task: createTaskRecorder(state),
    checkpoint: createCheckpointRecorder(state),
    webhook: createWebhookRecorder(state),
    users: createUsersRecorder(state),
    session: createSessionRecorder(state),
    rag: createRagRecorder(state),
    mcp: createMcpRecorder(state),
    http: createHttpRecorder(state),
    database: createDatabaseRecorder(state),
    defineMeters: createDefineMeters(state, defined),
    configure: state.configure,
    withAttribution: state.attribution.run,
    currentAttribution: state.attribution.current,
    addUsageSink: state.sinks.add,
    describeMeters: () =>
      [...catalogue, ...Array.from(defined.values(), ({ meter }) => meter)].map((meter) => ({
        ...meter,
        name: state.nameOf(meter),
      })),
  };
}
