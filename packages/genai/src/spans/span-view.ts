import type { Context } from "@opentelemetry/api";

/** A span as the SDKs of OpenTelemetry hand it to a processor, as far as it is read: their own types differ from generation to generation. */
export interface SpanLike {
  readonly name?: unknown;
  readonly attributes?: unknown;
  readonly status?: unknown;
  readonly duration?: unknown;
  readonly events?: unknown;
  /** SDK 2 and later. */
  readonly instrumentationScope?: unknown;
  /** SDK 1. */
  readonly instrumentationLibrary?: unknown;
}

/** A processor that any generation of the trace SDK takes. */
export interface SpanProcessorLike {
  onStart(span: SpanLike, parentContext: Context): void;
  onEnd(span: SpanLike): void;
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

/** What may be asked of a span: single attributes by their names. There is no way to list them, so that no prompt is touched by chance. */
export interface SpanView {
  readonly name: string;
  /** Who made it: the name of the instrumentation scope. */
  readonly scope: string;
  /** The first of these attributes that is a text with something in it. */
  text(...names: readonly string[]): string | undefined;
  /** The first of these attributes that is a finite number from 0. */
  number(...names: readonly string[]): number | undefined;
}

/** Throws nothing of its own, but what it reads may be hostile: call it under a guard. */
export function viewOf(span: SpanLike): SpanView {
  const attributes = recordOf(span.attributes);
  const scope = recordOf(span.instrumentationScope ?? span.instrumentationLibrary)["name"];
  return {
    name: typeof span.name === "string" ? span.name : "",
    scope: typeof scope === "string" ? scope : "",
    text: (...names) => firstOf(attributes, names, textOf),
    number: (...names) => firstOf(attributes, names, countOf),
  };
}

export function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function firstOf<Value>(
  attributes: Readonly<Record<string, unknown>>,
  names: readonly string[],
  read: (value: unknown) => Value | undefined,
): Value | undefined {
  for (const name of names) {
    const value = read(attributes[name]);
    if (value !== undefined) return value;
  }
  return undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function countOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : undefined;
}
