import { trace, type Context } from "@opentelemetry/api";
import { noteCountedCall } from "./counted-calls.ts";
import { dialectOf, mayBeOfModels } from "./dialects.ts";
import type { Work } from "./dialect.ts";
import { viewOf, type SpanLike } from "./span-view.ts";

/** What is remembered of a span while it, or one beneath it, lasts. */
export interface SpanNote {
  readonly parent: SpanNote | undefined;
  readonly parentContext: Context;
  /** When it began, in the order of beginnings and endings. */
  readonly begun: number;
  /** A model call was counted beneath it. */
  countedBeneath: boolean;
  /** When it was counted itself. */
  counted: number | undefined;
  /** Until its end, which tells what it stood for for good. */
  span: SpanLike | undefined;
  work: Work | undefined;
  /** Of the agent, the tool, the workflow. */
  name: string | undefined;
  /** Calls directly beneath that have not ended, where they may stay so. */
  readonly openCalls: Set<SpanNote> | undefined;
  readonly depth: number;
}

/** Keeps a note of the span that has begun. */
export function noteSpan(span: SpanLike, parentContext: Context, endsCallsBeneath: boolean): SpanNote {
  const above = noteIn(parentContext);
  // Where each step begins in the one before it, as in an endless loop, the chain is cut, or it would keep all that ever was.
  const parent = above !== undefined && above.depth < deepest ? above : undefined;
  const note: SpanNote = {
    parent,
    parentContext,
    begun: (state.sequence += 1),
    countedBeneath: false,
    counted: undefined,
    span,
    work: undefined,
    name: undefined,
    openCalls: endsCallsBeneath ? new Set() : undefined,
    depth: parent === undefined ? 0 : parent.depth + 1,
  };
  state.notes.set(span, note);
  return note;
}

export function noteOf(span: SpanLike): SpanNote | undefined {
  return state.notes.get(span);
}

/** What the span stands for: while it lasts by its present attributes. */
function workOf({ span, work }: SpanNote): Work | undefined {
  if (span === undefined) return work;
  return mayBeOfModels(span) ? dialectOf(viewOf(span))?.work : undefined;
}

function nameOf(note: SpanNote): string | undefined {
  if (note.span === undefined) return note.name;
  const view = viewOf(note.span);
  const found = dialectOf(view);
  return found?.dialect.nameOf(found.work, view);
}

/** The model call of this span is counted: the spans above it that stand for the same call are not. A tool in between makes it another call. */
export function countNote(note: SpanNote): void {
  note.counted = state.sequence += 1;
  markFrom(note.parent);
}

/** Whether the call of this span was counted already: beneath it, or above it by a span that ended first. */
export function isCountedElsewhere(note: SpanNote): boolean {
  if (note.countedBeneath) return true;
  for (let above = note.parent; above !== undefined; above = above.parent) {
    if (isBarrier(above)) return false;
    if (above.counted !== undefined && above.counted > note.begun) return true;
  }
  return false;
}

/** Whether the nearest work above is the same, written down by another instrumentation. */
export function isSameWork({ parent, work, name }: SpanNote): boolean {
  for (let above = parent; above !== undefined; above = above.parent) {
    const found = workOf(above);
    if (found !== undefined) return found === work && nameOf(above) === name;
  }
  return false;
}

/**
 * Told by whoever counts a model call in this context, when the call begins: the spans it runs in, which may stand for the same call, are not
 * counted then.
 * @param model - the model asked for, by which callbacks find out that the call they were told of is this one
 */
export function markCounted(within: Context, model?: string): void {
  noteCountedCall(model, within);
  try {
    markFrom(noteIn(within));
  } catch {
    // A span whose attributes cannot be read stands for no call.
  }
}

/** Whether the active span stands for a model call itself, so that the call needs no other span. */
export function isModelCallSpan(within: Context): boolean {
  try {
    const note = noteIn(within);
    return note !== undefined && workOf(note) === "call";
  } catch {
    return false;
  }
}

const deepest = 64;
/** One for the process, also when the package is installed twice: or a call would be counted twice. */
const key: unique symbol = Symbol.for("meterbridge.spans");
const holder = globalThis as { [key]?: { readonly notes: WeakMap<object, SpanNote>; sequence: number } };
const state = (holder[key] ??= { notes: new WeakMap(), sequence: 0 });

function noteIn(within: Context): SpanNote | undefined {
  const span = trace.getSpan(within);
  return span === undefined ? undefined : state.notes.get(span);
}

function markFrom(nearest: SpanNote | undefined): void {
  for (let note = nearest; note !== undefined && !isBarrier(note); note = note.parent) note.countedBeneath = true;
}

/** A model called by a tool is no part of the call that asked for the tool. */
function isBarrier(note: SpanNote): boolean {
  return workOf(note) === "tool";
}
