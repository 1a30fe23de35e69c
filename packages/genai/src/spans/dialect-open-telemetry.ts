import type { CallFields, Dialect, Work } from "./dialect.ts";

/**
 * The GenAI conventions in all their generations: `gen_ai.system` and `prompt_tokens` (to v1.27), `input_tokens` (v1.28), `gen_ai.provider.name`
 * (v1.37), `cache_creation` (to v1.41) and `cache_write` (semantic-conventions-genai @024a4f9). Input tokens include cached ones.
 */
export const openTelemetry: Dialect = {
  workOf(span) {
    const operation = span.text("gen_ai.operation.name");
    if (operation !== undefined) return works.get(operation) ?? null;
    // The first generation had no operation.
    const isCall = span.text("gen_ai.system") !== undefined && span.text("gen_ai.request.model") !== undefined;
    return isCall ? "call" : undefined;
  },
  nameOf: (work, span) => span.text(...names[work]) ?? afterVerb(work, span.name),
  operationOf: (span) => {
    const operation = span.text("gen_ai.operation.name") ?? "chat";
    return otherWords.get(operation) ?? operation;
  },
  fields: {
    provider: ["gen_ai.provider.name", "gen_ai.system"],
    model: ["gen_ai.request.model"],
    responseModel: ["gen_ai.response.model"],
    inputTokens: ["gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"],
    outputTokens: ["gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"],
    totalTokens: ["gen_ai.usage.total_tokens"],
    cacheReadTokens: ["gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens"],
    cacheWriteTokens: [
      "gen_ai.usage.cache_write.input_tokens",
      "gen_ai.usage.cache_creation.input_tokens",
      "gen_ai.usage.cache_creation_input_tokens",
    ],
    reasoningTokens: ["gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens"],
    timeToFirstChunk: ["gen_ai.response.time_to_first_chunk", "gen_ai.client.operation.time_to_first_chunk"],
    millisecondsToFirstChunk: [],
    serviceTier: ["openai.response.service_tier", "gen_ai.openai.response.service_tier"],
  } satisfies CallFields,
  cachedBeside: () => false,
};

/** Operations that cost nothing by themselves, such as `create_agent` and the memory's, are left out. */
const works: ReadonlyMap<string, Work> = new Map<string, Work>([
  ["chat", "call"],
  ["generate_content", "call"],
  ["text_completion", "call"],
  ["completion", "call"],
  ["embeddings", "call"],
  ["embedding", "call"],
  ["rerank", "call"],
  ["image_generation", "call"],
  ["invoke_agent", "agent"],
  ["execute_tool", "tool"],
  ["invoke_workflow", "workflow"],
  ["retrieval", "retrieval"],
]);

const otherWords: ReadonlyMap<string, string> = new Map([
  ["completion", "text_completion"],
  ["embedding", "embeddings"],
]);

const names: Readonly<Record<Work, readonly string[]>> = {
  call: [],
  agent: ["gen_ai.agent.name"],
  tool: ["gen_ai.tool.name"],
  workflow: ["gen_ai.workflow.name"],
  retrieval: ["gen_ai.data_source.id", "db.collection.name"],
};

/** `execute_tool search` names the tool. An agent's span is often named by its model instead, so that tells nothing. */
function afterVerb(work: Work, spanName: string): string | undefined {
  const verb = work === "tool" ? "execute_tool " : work === "workflow" ? "invoke_workflow " : undefined;
  return verb !== undefined && spanName.startsWith(verb) ? spanName.slice(verb.length) || undefined : undefined;
}
