import { openTelemetry } from "./dialect-open-telemetry.ts";
import type { Dialect, Work } from "./dialect.ts";

/**
 * OpenLLMetry (Traceloop), read at @1faf69d: `traceloop.span.kind` for what the application names, and for model calls the attributes of
 * OpenTelemetry with some of its own. Its newest instrumentations count cached tokens in; the older ones do not tell them.
 */
export const traceloop: Dialect = {
  workOf(span) {
    const kind = span.text("traceloop.span.kind");
    if (kind !== undefined) return works.get(kind) ?? null;
    const request = span.text("llm.request.type");
    if (request === undefined) return undefined;
    return operations.has(request) ? "call" : null;
  },
  nameOf(work, span) {
    return (
      span.text("traceloop.entity.name") ?? (work === "workflow" ? span.text("traceloop.workflow.name") : undefined)
    );
  },
  operationOf: (span) => operations.get(span.text("llm.request.type") ?? "") ?? "chat",
  fields: {
    ...openTelemetry.fields,
    totalTokens: ["gen_ai.usage.total_tokens", "llm.usage.total_tokens"],
    reasoningTokens: ["gen_ai.usage.reasoning_tokens", ...openTelemetry.fields.reasoningTokens],
  },
  cachedBeside: () => false,
};

/** A `task` there is any function; ours is what a user asked for. */
const works: ReadonlyMap<string, Work> = new Map<string, Work>([
  ["workflow", "workflow"],
  ["agent", "agent"],
  ["tool", "tool"],
]);

const operations: ReadonlyMap<string, string> = new Map([
  ["chat", "chat"],
  ["completion", "text_completion"],
  ["embedding", "embeddings"],
  ["rerank", "rerank"],
]);
