import type { Dialect, Work } from "./dialect.ts";

/** OpenInference (Arize Phoenix): `openinference.span.kind` and `llm.token_count.*` (its semantic_conventions.md, @1fe497f). */
export const openInference: Dialect = {
  workOf(span) {
    const kind = span.text("openinference.span.kind");
    if (kind === undefined) return undefined;
    return works.get(kind.toUpperCase()) ?? null;
  },
  nameOf(work, span) {
    // A retriever's span carries no name of an index, but its own name is the retriever's; so with agents of LangChain.
    return span.text(...names[work]) ?? (span.name || undefined);
  },
  operationOf: (span) => (span.text("openinference.span.kind")?.toUpperCase() === "EMBEDDING" ? "embeddings" : "chat"),
  fields: {
    provider: ["llm.provider", "llm.system"],
    model: ["llm.request.model_name", "llm.model_name", "embedding.model_name"],
    responseModel: ["llm.response.model_name"],
    inputTokens: ["llm.token_count.prompt"],
    outputTokens: ["llm.token_count.completion"],
    totalTokens: ["llm.token_count.total"],
    cacheReadTokens: ["llm.token_count.prompt_details.cache_read"],
    cacheWriteTokens: ["llm.token_count.prompt_details.cache_write"],
    reasoningTokens: ["llm.token_count.completion_details.reasoning"],
    timeToFirstChunk: [],
    millisecondsToFirstChunk: [],
    serviceTier: [],
  },
  // These two hand on what Anthropic says (read in their sources); the one for LangChain sums it up.
  cachedBeside: ({ scope }) => scope.endsWith("instrumentation-bedrock") || scope.endsWith("instrumentation-anthropic"),
};

/** Chains are steps of any kind, most of them without a name that means anything: they are no workflows. */
const works: ReadonlyMap<string, Work> = new Map<string, Work>([
  ["LLM", "call"],
  ["EMBEDDING", "call"],
  ["AGENT", "agent"],
  ["TOOL", "tool"],
  ["RETRIEVER", "retrieval"],
]);

const names: Readonly<Record<Work, readonly string[]>> = {
  call: [],
  agent: ["agent.name"],
  tool: ["tool.name"],
  workflow: [],
  retrieval: [],
};
