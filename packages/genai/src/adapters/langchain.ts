import { context } from "@opentelemetry/api";
import {
  agent,
  errorTypeOf,
  llm,
  mayCountCall,
  rag,
  tool,
  workflow,
  type LlmCall,
  type RunStatus,
} from "@meterbridge/core";
import { waitForCountedCall, type WaitingCall } from "../spans/counted-calls.ts";
import { providerName } from "../spans/provider-name.ts";
import { answeredLabel } from "./answered-label.ts";
import { errorTypeIn, fieldsOf, isAbort, modelIn, nameIn, usageIn } from "./langchain-result.ts";
import { createRuns, secondsSince, type NamedRun, type OpenRun } from "./langchain-runs.ts";

export interface MeterCallbacksOptions {
  /** Names of runnables (`runName`) whose runs are workflows. @default [] */
  readonly workflows?: readonly string[];
  /** Names of runnables whose runs are agents. @default [] */
  readonly agents?: readonly string[];
}

/** Handlers as LangChain.js takes them in `callbacks`. What is not used of their parameters is not declared. */
export interface MeterCallbacks {
  /** They are done at once, and have to run where the call is made: on whose behalf it is made is known there alone. */
  readonly awaitHandlers: true;
  handleChatModelStart(
    llm: unknown,
    messages: unknown,
    runId: string,
    parent?: string,
    extra?: unknown,
    tags?: unknown,
    metadata?: unknown,
  ): void;
  handleLLMStart(
    llm: unknown,
    prompts: unknown,
    runId: string,
    parent?: string,
    extra?: unknown,
    tags?: unknown,
    metadata?: unknown,
  ): void;
  handleLLMNewToken(token: unknown, indices: unknown, runId: string): void;
  handleLLMEnd(result: unknown, runId: string, parent?: string, tags?: unknown, extra?: unknown): void;
  handleLLMError(error: unknown, runId: string, parent?: string, tags?: unknown, extra?: unknown): void;
  handleToolStart(
    tool: unknown,
    input: unknown,
    runId: string,
    parent?: string,
    tags?: unknown,
    metadata?: unknown,
    runName?: string,
  ): void;
  handleToolEnd(output: unknown, runId: string): void;
  handleToolError(error: unknown, runId: string): void;
  handleRetrieverStart(
    retriever: unknown,
    query: unknown,
    runId: string,
    parent?: string,
    tags?: unknown,
    metadata?: unknown,
    name?: string,
  ): void;
  handleRetrieverEnd(documents: unknown, runId: string): void;
  handleRetrieverError(error: unknown, runId: string): void;
  handleChainStart(chain: unknown, inputs: unknown, runId: string, ...rest: readonly unknown[]): void;
  handleChainEnd(outputs: unknown, runId: string): void;
  handleChainError(error: unknown, runId: string): void;
}

/**
 * Callbacks for LangChain.js that meter model calls, tools and retrievals, and as workflows or agents the runnables that are named so. A call that is
 * counted beneath, by the capture of `fetch` for example, is left to that. A call whose stream is broken off is told to no callback: only what is
 * beneath sees it. Prompts, answers, arguments and documents are not read.
 */
export function meterCallbacks({ workflows = [], agents = [] }: MeterCallbacksOptions = {}): MeterCallbacks {
  return harmless({
    awaitHandlers: true,
    handleChatModelStart: (_llm, _messages, runId, _parent, extra, _tags, metadata) =>
      startCall(runId, extra, metadata),
    handleLLMStart: (_llm, _prompts, runId, _parent, extra, _tags, metadata) => startCall(runId, extra, metadata),
    handleLLMNewToken(_token, _indices, runId) {
      const run = calls.get(runId);
      if (run !== undefined) run.timeToFirstChunk ??= secondsSince(run);
    },
    handleLLMEnd: (result, runId, _parent, _tags, extra) => endCall(runId, extra, { ...usageIn(result) }),
    handleLLMError: (error, runId, _parent, _tags, extra) => endCall(runId, extra, failureOf(error)),
    handleToolStart: (serialized, _input, runId, _parent, _tags, _metadata, runName) =>
      startNamed(tools, runId, nameIn(serialized, runName)),
    handleToolEnd: (_output, runId) => endTool(runId),
    handleToolError: (error, runId) => endTool(runId, failureOf(error)),
    handleRetrieverStart: (serialized, _query, runId, _parent, _tags, _metadata, name) =>
      startNamed(retrievals, runId, nameIn(serialized, name)),
    handleRetrieverEnd: (documents, runId) =>
      endRetrieval(runId, "completed", Array.isArray(documents) ? documents.length : undefined),
    handleRetrieverError: (error, runId) => endRetrieval(runId, failureOf(error).status),
    handleChainStart(_chain, _inputs, runId, ...rest) {
      // Where the name of the run stands among these differs between LangChain's types and what it does.
      const workflowName = workflows.find((name) => rest.includes(name));
      const agentName = agents.find((name) => rest.includes(name));
      if (workflowName !== undefined) chains.start(runId, (base) => ({ ...base, run: workflow.start(workflowName) }));
      else if (agentName !== undefined) chains.start(runId, (base) => ({ ...base, run: agent.start(agentName) }));
    },
    handleChainEnd: (_outputs, runId) => chains.end(runId)?.run.complete(),
    handleChainError(error, runId) {
      const run = chains.end(runId)?.run;
      if (isAbort(error)) run?.cancel();
      else run?.fail(error);
    },
  });
}

interface CallRun extends OpenRun {
  readonly provider: string;
  readonly model: string;
  readonly waiting: WaitingCall;
  timeToFirstChunk: number | undefined;
}
interface WorkRun extends OpenRun {
  readonly name: string;
}

// For the process: handlers of several places are told of the same run.
const calls = createRuns<CallRun>(({ waiting }) => void waiting.isCounted());
const tools = createRuns<WorkRun>();
const retrievals = createRuns<WorkRun>();
const chains = createRuns<NamedRun>();

function startCall(runId: string, extra: unknown, metadata: unknown): void {
  const { provider, model } = modelIn(extra, metadata);
  calls.start(runId, (base) => ({
    ...base,
    provider: providerName(provider),
    model,
    waiting: waitForCountedCall(model, base.within),
    timeToFirstChunk: undefined,
  }));
}

function endCall(runId: string, extra: unknown, ending: Omit<LlmCall, "provider" | "model">): void {
  const run = calls.end(runId);
  if (run === undefined) return;
  const { provider, model, within, timeToFirstChunk } = run;
  const isBeneath = run.waiting.isCounted();
  // An answer from LangChain's cache is no call.
  if (fieldsOf(extra)["cached"] === true || isBeneath || !mayCountCall(within)) return;
  const call = {
    provider,
    model,
    status: "completed" as const,
    ...ending,
    duration: secondsSince(run),
    timeToFirstChunk,
  };
  context.with(within, llm.record, undefined, { ...call, modelLabel: answeredLabel(call) });
}

function failureOf(error: unknown): { status: RunStatus; errorType?: string } {
  if (isAbort(error)) return { status: "cancelled" };
  return { status: "failed", errorType: errorTypeIn(error) ?? errorTypeOf(error) };
}

function startNamed(runs: typeof tools, runId: string, name: string | undefined): void {
  if (name !== undefined) runs.start(runId, (base) => ({ ...base, name }));
}

function endTool(runId: string, ending: { status: RunStatus; errorType?: string } = { status: "completed" }): void {
  const run = tools.end(runId);
  if (run === undefined) return;
  context.with(run.within, tool.record, undefined, { tool: run.name, duration: secondsSince(run), ...ending });
}

function endRetrieval(runId: string, status: RunStatus, documents?: number): void {
  const run = retrievals.end(runId);
  if (run === undefined) return;
  const retrieval = { index: run.name, status, duration: secondsSince(run), documents };
  context.with(run.within, rag.record, undefined, retrieval);
}

/** What goes wrong in a handler costs its meters, and nothing else. */
function harmless(callbacks: MeterCallbacks): MeterCallbacks {
  const guarded = Object.entries(callbacks).map(([name, value]) => {
    if (typeof value !== "function") return [name, value] as const;
    const handle = value as (...parameters: unknown[]) => void;
    const guardedHandle = (...parameters: unknown[]): void => {
      try {
        handle(...parameters);
      } catch {
        // Of a result that cannot be read there is nothing to tell.
      }
    };
    return [name, guardedHandle] as const;
  });
  return Object.fromEntries(guarded) as unknown as MeterCallbacks;
}
