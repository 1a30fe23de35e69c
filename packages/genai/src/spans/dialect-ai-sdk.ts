import { openTelemetry } from "./dialect-open-telemetry.ts";
import type { Dialect, Work } from "./dialect.ts";
import type { SpanView } from "./span-view.ts";

/**
 * The AI SDK (`ai`) 5 and 6, and 7 with `LegacyOpenTelemetry` of `@ai-sdk/otel`, by what they were seen to emit. A call of the model is
 * `ai.generateText.doGenerate`; `ai.generateText` above it sums up all its steps.
 */
export const aiSdk: Dialect = {
  workOf(span) {
    const operation = span.text("ai.operationId");
    if (operation === undefined) return undefined;
    return works.get(operation) ?? (operations.has(lastPart(operation)) ? "call" : null);
  },
  nameOf: (_work, span) => span.text("ai.toolCall.name"),
  operationOf: (span) => operations.get(lastPart(span.text("ai.operationId") ?? "")) ?? "chat",
  fields: {
    provider: ["ai.model.provider", "gen_ai.system"],
    model: ["ai.model.id", "gen_ai.request.model"],
    responseModel: ["ai.response.model", "gen_ai.response.model"],
    inputTokens: ["ai.usage.inputTokens", "ai.usage.promptTokens", "ai.usage.tokens", "gen_ai.usage.input_tokens"],
    outputTokens: ["ai.usage.outputTokens", "ai.usage.completionTokens", "gen_ai.usage.output_tokens"],
    totalTokens: ["ai.usage.totalTokens"],
    cacheReadTokens: ["ai.usage.inputTokenDetails.cacheReadTokens", "ai.usage.cachedInputTokens"],
    cacheWriteTokens: ["ai.usage.inputTokenDetails.cacheWriteTokens"],
    reasoningTokens: ["ai.usage.outputTokenDetails.reasoningTokens", "ai.usage.reasoningTokens"],
    timeToFirstChunk: [],
    millisecondsToFirstChunk: ["ai.response.msToFirstChunk", "ai.stream.msToFirstChunk"],
    serviceTier: [],
  },
  cachedBeside: isFifthWithCacheBeside,
  isGivenUp: (span) => span.text("ai.response.finishReason") === undefined && hasEnding(span),
  // Read at 5.0.277 and 6.0.322: an aborted stream ends `ai.streamText` and leaves `doStream` open.
  endsCallsBeneath: (span) => ["ai.streamText", "ai.streamObject"].includes(span.text("ai.operationId") ?? ""),
};

/** The AI SDK 7 with `OpenTelemetry` of `@ai-sdk/otel` follows the conventions, but for a stream that was given up. */
export const aiSdkConventions: Dialect = {
  ...openTelemetry,
  workOf: (span) => (span.scope === "gen_ai" ? openTelemetry.workOf(span) : undefined),
  isGivenUp: (span) => span.text("gen_ai.response.id") === undefined && hasEnding(span),
};

const works: ReadonlyMap<string, Work> = new Map<string, Work>([["ai.toolCall", "tool"]]);

const operations: ReadonlyMap<string, string> = new Map([
  ["doGenerate", "chat"],
  ["doStream", "chat"],
  ["doEmbed", "embeddings"],
  ["doRerank", "rerank"],
]);

function lastPart(operation: string): string {
  return operation.slice(operation.lastIndexOf(".") + 1);
}

/** Embeddings and rankings have neither a reason to finish nor an id of the answer. */
function hasEnding(span: SpanView): boolean {
  const operation = span.text("ai.operationId");
  return operation === undefined
    ? span.text("gen_ai.operation.name") === "chat"
    : ["doGenerate", "doStream"].includes(lastPart(operation));
}

/** Up to version 5 providers handed on what Anthropic says, which counts cached tokens beside; from 6 on they are counted in, and told in detail. */
function isFifthWithCacheBeside(span: SpanView): boolean {
  return (
    span.text("ai.operationId") === "ai.streamText.doStream" &&
    span.number("ai.usage.inputTokenDetails.noCacheTokens") === undefined &&
    /anthropic|bedrock/.test(span.text("ai.model.provider") ?? "")
  );
}
