import { SpanStatusCode, trace, type Attributes, type Context, type Span, type Tracer } from "@opentelemetry/api";
import { TracerProvider, type ReadableSpan, type SpanProcessor } from "@opentelemetry/sdk-trace";
import { onTestFinished } from "vitest";
import { genAiSpans } from "../../src/spans/gen-ai-spans.ts";

/** Makes meters of spans until the test ends; `finished` are the spans that have ended. */
export function startSpans(): { readonly finished: readonly ReadableSpan[] } {
  const finished: ReadableSpan[] = [];
  const keeper: SpanProcessor = {
    onStart() {},
    onEnd: (ended) => void finished.push(ended),
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
  trace.disable();
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [genAiSpans(), keeper] }));
  onTestFinished(() => trace.disable());
  return { finished };
}

export interface SpanWish {
  readonly name?: string;
  /** The instrumentation scope. */
  readonly scope?: string;
  /** Set when it begins, others when it ends. */
  readonly atStart?: Attributes;
  readonly within?: Context;
  /** The `exception.type` with which it fails. */
  readonly failsWith?: string;
  readonly seconds?: number;
}

/** A span that has begun. */
export function begin({ name = "span", scope = "some-instrumentation", atStart = {}, within }: SpanWish = {}): Span {
  const tracer: Tracer = trace.getTracer(scope);
  return tracer.startSpan(name, { attributes: atStart, startTime: 1_000_000 }, within);
}

/** A span from its begin to its end, which took two seconds. */
export function span(attributes: Attributes, wish: SpanWish = {}): void {
  const made = begin(wish);
  made.setAttributes(attributes);
  if (wish.failsWith !== undefined) {
    made.addEvent("exception", { "exception.type": wish.failsWith, "exception.message": "it quotes the prompt" });
    made.setStatus({ code: SpanStatusCode.ERROR, message: "it quotes the prompt" });
  }
  made.end(1_000_000 + (wish.seconds ?? 2) * 1000);
}
