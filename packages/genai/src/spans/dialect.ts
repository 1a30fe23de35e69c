import type { SpanView } from "./span-view.ts";

/** What a span stands for, as far as there are meters for it. */
export type Work = "call" | "agent" | "tool" | "workflow" | "retrieval";

/** How one family of instrumentations writes down its work: names of attributes, and what they mean there. */
export interface Dialect {
  /** What the span stands for: null for one of this dialect that is not metered, undefined for one of another dialect. */
  workOf(span: SpanView): Work | null | undefined;
  /** The work's name: of the agent, the tool, the workflow, the index. */
  nameOf(work: Work, span: SpanView): string | undefined;
  /** The model call's `gen_ai.operation.name`. */
  operationOf(span: SpanView): string;
  /** Attributes of a model call, the first that is there counts. */
  readonly fields: CallFields;
  /** Whether cached tokens come beside the input tokens, not among them. */
  cachedBeside(span: SpanView): boolean;
  /** Whether a span that ended without an error is of a call that was given up. */
  isGivenUp?(span: SpanView): boolean;
  /** Whether the spans of its calls may stay open for ever when the caller gives up; then they end with this span, which is above them. */
  endsCallsBeneath?(span: SpanView): boolean;
}

export interface CallFields {
  readonly provider: readonly string[];
  readonly model: readonly string[];
  readonly responseModel: readonly string[];
  readonly inputTokens: readonly string[];
  readonly outputTokens: readonly string[];
  readonly totalTokens: readonly string[];
  readonly cacheReadTokens: readonly string[];
  readonly cacheWriteTokens: readonly string[];
  readonly reasoningTokens: readonly string[];
  /** Seconds. */
  readonly timeToFirstChunk: readonly string[];
  /** The same in milliseconds. */
  readonly millisecondsToFirstChunk: readonly string[];
  readonly serviceTier: readonly string[];
}
