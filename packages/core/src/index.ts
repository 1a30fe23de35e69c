import type { Attribution } from "./attribution.ts";
import type { CoreOptions } from "./configuration.ts";
import { createCore, type Core } from "./core.ts";
import type { DefineMeters } from "./define-meters.ts";
import type { MeterDefinition } from "./meter-definition.ts";
import { meterFunction, type AnyFunction } from "./meter-function.ts";
import { onePerProcess } from "./one-per-process.ts";
import type { UsageSink } from "./usage-event.ts";

export type { AgentRecorder, AgentRun, FinishedAgentRun } from "./agent.ts";
export type { Attribution } from "./attribution.ts";
export { catalogue } from "./catalogue.ts";
export { type CallDoor, mayCountCall, openCallDoor, withoutCapture } from "./call-doors.ts";
export type { CheckpointRecorder } from "./checkpoint.ts";
export type { AttributionLabel, CoreOptions, GenAiSemconv } from "./configuration.ts";
export type { DatabaseOperation, DatabaseRecorder } from "./database.ts";
export type { DefineMeters } from "./define-meters.ts";
export { errorTypeOf } from "./error-type.ts";
export type { HttpAnswer, HttpClientRequest, HttpRecorder, HttpRequest, HttpRequests } from "./http.ts";
export type { LlmRecorder } from "./llm.ts";
export type { LlmCall, LlmEnding, LlmTarget, LlmUsage, Modality, TokensByModality } from "./llm-call.ts";
export type { LlmRun, LlmStart } from "./llm-run.ts";
export { usageOf } from "./llm-usage.ts";
export { createUsageReader, type UsageReader } from "./llm-usage-reader.ts";
export type { McpOperation, McpRecorder, McpSession, McpSide } from "./mcp.ts";
export type { AnyFunction } from "./meter-function.ts";
export type { AttributeKind, AttributeRule, InstrumentKind, MeterDefinition } from "./meter-definition.ts";
export type { AttributesOf, OwnMeter, RecorderOf } from "./own-meter.ts";
export type { PriceBook, PricedCall } from "./price-book.ts";
export type { RagRecorder, Retrieval, RetrievalRun } from "./rag.ts";
export type { Run } from "./run.ts";
export type { Session, SessionRecorder } from "./session.ts";
export type { FinishedTask, TaskRecorder } from "./task.ts";
export type { ToolCall, ToolRecorder } from "./tool.ts";
export type { CostStatus, UsageEvent, UsageSink, UsageSource } from "./usage-event.ts";
export type { ActiveWindow, UsersRecorder } from "./users.ts";
export type { Decision, RefusalReason, RunStatus } from "./vocabulary.ts";
export type { SentWebhook, WebhookRecorder } from "./webhook.ts";
export type { FinishedWorkflowRun, WorkflowRecorder } from "./workflow.ts";

const core: Core = onePerProcess("1", createCore);

/** Model calls. */
export const llm: Core["llm"] = core.llm;
/** Workflows created, and their runs. */
export const workflow: Core["workflow"] = core.workflow;
/** Agents' runs, and the nodes in them. */
export const agent: Core["agent"] = core.agent;
/** Tool calls. */
export const tool: Core["tool"] = core.tool;
/** Tasks: what a user asked for, whatever it took. */
export const task: Core["task"] = core.task;
/** Checkpoints at which a person decides. */
export const checkpoint: Core["checkpoint"] = core.checkpoint;
/** Webhooks sent. */
export const webhook: Core["webhook"] = core.webhook;
/** Active users. */
export const users: Core["users"] = core.users;
/** Sessions. */
export const session: Core["session"] = core.session;
/** Retrievals for a model's context. */
export const rag: Core["rag"] = core.rag;
/** Requests and sessions of the Model Context Protocol. */
export const mcp: Core["mcp"] = core.mcp;
/** HTTP server requests. */
export const http: Core["http"] = core.http;
/** Database client operations. */
export const database: Core["database"] = core.database;

/** Makes recorders for the application's own meters, under the same rules as ours. Throws when a definition is wrong. */
export const defineMeters: DefineMeters = core.defineMeters;

/** Sets options for the whole process, over those set before. Throws when one is wrong. */
export function configure(options: CoreOptions): void {
  core.configure(options);
}

/**
 * Runs `work` on behalf of a tenant, employee, project, user: all that is recorded in it, also asynchronously, carries that.
 * Put over the attribution that is active already; what is not given stays.
 */
export function withAttribution<Result>(attribution: Attribution, work: () => Result): Result {
  return core.withAttribution(attribution, work);
}

/** On whose behalf the present context works. */
export function currentAttribution(): Attribution {
  return core.currentAttribution();
}

/** Hands every usage event to the sink from now on. The returned function ends that. */
export function addUsageSink(sink: UsageSink): () => void {
  return core.addUsageSink(sink);
}

/** Every meter of this process, ours and the application's own, under the name it is registered with. */
export function describeMeters(): readonly MeterDefinition[] {
  return core.describeMeters();
}

/**
 * The function as a tool: each call of it is a call of the tool. It stays the function it is, by type, `this`, name and properties; what it returned at
 * once it returns at once, a promise stays a promise, and a stream stays the object it is, and ends the call when it has been read or left.
 */
export function meterTool<Work extends AnyFunction>(name: string, work: Work): Work {
  return meterFunction(work, () => core.tool.start(name));
}

/** The function as an agent: each call of it is a run of the agent. See `meterTool`. */
export function meterAgent<Work extends AnyFunction>(name: string, work: Work): Work {
  return meterFunction(work, () => core.agent.start(name));
}

/** The function as a workflow: each call of it is a run of the workflow. See `meterTool`. */
export function meterWorkflow<Work extends AnyFunction>(name: string, work: Work): Work {
  return meterFunction(work, () => core.workflow.start(name));
}

/** The function as a task: each call of it is a task. See `meterTool`. */
export function meterTask<Work extends AnyFunction>(name: string, work: Work): Work {
  return meterFunction(work, () => core.task.start(name));
}

/** The function as a retrieval from the index; a list that it gives tells the number of documents. See `meterTool`. */
export function meterRetrieval<Work extends AnyFunction>(name: string, work: Work): Work {
  return meterFunction(work, () => core.rag.start(name));
}

/** The function as a webhook's sender: what is no success has to be thrown to count as failed. See `meterTool`. */
export function meterWebhook<Work extends AnyFunction>(name: string, work: Work): Work {
  return meterFunction(work, () => core.webhook.start(name));
}
