import { agent, errorTypeOf, llm, mayCountCall, rag, tool, workflow, type LlmCall } from "@meterbridge/core";
import { context, diag, ROOT_CONTEXT, type Context } from "@opentelemetry/api";
import { answeredLabel } from "../adapters/answered-label.ts";
import { noteCountedCall } from "./counted-calls.ts";
import { aiSdk } from "./dialect-ai-sdk.ts";
import { dialectOf, mayBeOfModels } from "./dialects.ts";
import type { Work } from "./dialect.ts";
import { callOf, givenUpCall } from "./span-call.ts";
import { spanEnding } from "./span-ending.ts";
import { countNote, isCountedElsewhere, isSameWork, noteOf, noteSpan, type SpanNote } from "./span-notes.ts";
import { viewOf, type SpanLike, type SpanProcessorLike, type SpanView } from "./span-view.ts";

/**
 * A span processor that makes meters of finished GenAI spans: model calls, agents, tools, workflows and retrievals, as OpenTelemetry's conventions
 * of all generations, OpenInference, OpenLLMetry and the AI SDK 5 to 7 write them down. Any generation of the trace SDK takes it. Of spans
 * that stand for one call the innermost counts; a call that another door counts is left to that. Names and numbers alone are read, never content.
 *
 * A span that is not sampled comes to no processor, so its call is not counted here: where traces are sampled, leave the counting to the capture
 * of `fetch`, or have the sampler record what it drops.
 */
export function genAiSpans(): SpanProcessorLike {
  const recordCall = (within: Context, call: LlmCall): void =>
    context.with(within, llm.record, undefined, {
      ...call,
      modelLabel: answeredLabel(call),
    });

  return {
    onStart: harmless((span: SpanLike, parentContext: Context) => {
      // Almost all spans stand for nothing of this, and each costs no more than its note.
      const endsCallsBeneath = mayBeOfModels(span) && aiSdk.endsCallsBeneath?.(viewOf(span)) === true;
      const note = noteSpan(span, parentContext, endsCallsBeneath);
      const siblings = note.parent?.openCalls;
      if (siblings !== undefined && dialectOf(viewOf(span))?.work === "call") siblings.add(note);
    }),
    onEnd: harmless((span: SpanLike) => {
      const note = noteOf(span) ?? noteSpan(span, ROOT_CONTEXT, false);
      if (note.span === undefined) return;
      if (!mayBeOfModels(span)) {
        note.span = undefined;
        return;
      }
      const view = viewOf(span);
      const found = dialectOf(view);
      note.work = found?.work;
      note.name = found?.dialect.nameOf(found.work, view);
      note.span = undefined;
      note.parent?.openCalls?.delete(note);
      for (const open of note.openCalls ?? []) giveUp(open);
      if (found === undefined) return;
      // Made by core's own recorders, which have counted it.
      if (view.scope === "@meterbridge/core") {
        if (found.work === "call") countNote(note);
      } else if (found.work === "call") {
        if (!mayCount(note)) return;
        const call = callOf(span, view, found.dialect);
        noteCountedCall(call.model, note.parentContext);
        recordCall(note.parentContext, call);
      } else if (note.name !== undefined && !isSameWork(note)) {
        context.with(note.parentContext, recordWork, undefined, found.work, note.name, span, view);
      }
    }),
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };

  function giveUp(open: SpanNote): void {
    if (open.span === undefined || !mayCount(open)) return;
    const view = viewOf(open.span);
    const found = dialectOf(view);
    if (found !== undefined) recordCall(open.parentContext, givenUpCall(view, found.dialect));
  }
}

function mayCount(note: SpanNote): boolean {
  if (note.counted !== undefined || isCountedElsewhere(note)) return false;
  countNote(note);
  return mayCountCall(note.parentContext);
}

function recordWork(work: Exclude<Work, "call">, name: string, span: SpanLike, view: SpanView): void {
  const { status, duration, errorType } = spanEnding(span, view);
  const ending = { status, duration, ...(errorType !== undefined && { errorType }) };
  switch (work) {
    case "agent":
      return agent.record({ agent: name, ...ending });
    case "tool":
      return tool.record({ tool: name, ...ending });
    case "workflow":
      return workflow.record({ workflow: name, ...ending });
    case "retrieval":
      return rag.record({ index: name, status, duration });
  }
}

/** A span may hold anything; what goes wrong in reading it costs its meters, and is told once. */
function harmless<Parameters extends unknown[]>(
  work: (...parameters: Parameters) => void,
): (...parameters: Parameters) => void {
  return (...parameters) => {
    try {
      work(...parameters);
    } catch (error) {
      if (isTold) return;
      isTold = true;
      diag.warn(`[meterbridge] [spans] a GenAI span could not be read (${errorTypeOf(error)}); it is not metered`);
    }
  };
}

let isTold = false;
