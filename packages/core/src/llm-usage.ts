import type { LlmUsage } from "./llm-call.ts";
import { isObject, type Fields } from "./usage-fields.ts";
import { anthropicUsage, isAnthropicUsage } from "./usage-of-anthropic.ts";
import { aiSdkUsage, langChainUsage } from "./usage-of-frameworks.ts";
import { embeddedTokens, geminiUsage } from "./usage-of-gemini.ts";
import { openAiUsage } from "./usage-of-openai.ts";
import { bedrockUsage, cohereUsage, isBedrockUsage, isCohereUsage, ollamaUsage } from "./usage-of-others.ts";

/**
 * Usage as the known clients return it in their results, normalised to the conventions: input includes cached tokens, output includes
 * reasoning. Known are the clients of OpenAI and of those who speak its language, Anthropic, Gemini, Bedrock (Converse), Ollama, Cohere, the
 * AI SDK 5 to 7 and LangChain, and their answers on the wire. Null for any other result. Only counts, the model's name and the tier are
 * read, never content.
 */
export function usageOf(result: unknown): LlmUsage | null {
  if (!isObject(result)) return null;
  for (const { place, read } of places) {
    const usage = place in result ? result[place] : undefined;
    if (isObject(usage)) return read(result, usage);
  }
  if (typeof result["prompt_eval_count"] === "number" || typeof result["eval_count"] === "number") {
    return ollamaUsage(result);
  }
  const embedded = "embeddings" in result ? embeddedTokens(result["embeddings"]) : undefined;
  return embedded === undefined ? null : { inputTokens: embedded };
}

/** Where results keep their counts, the most telling first. */
const places: readonly Place[] = [
  { place: "usageMetadata", read: geminiUsage },
  { place: "usage_metadata", read: langChainUsage },
  // Of all steps; its `usage` may be the last step's alone.
  { place: "totalUsage", read: aiSdkUsage },
  { place: "usage", read: usageByShape },
  // Cohere's embeddings and its first version.
  { place: "meta", read: (_result, meta) => (isCohereUsage(meta) ? cohereUsage(meta) : null) },
  { place: "x_groq", read: (result, { usage }) => (isObject(usage) ? openAiUsage(result, usage) : null) },
];

interface Place {
  readonly place: string;
  readonly read: (result: Fields, usage: Fields) => LlmUsage | null;
}

function usageByShape(result: Fields, usage: Fields): LlmUsage {
  if (isAnthropicUsage(usage)) return anthropicUsage(result, usage);
  if (isBedrockUsage(usage)) return bedrockUsage(result, usage);
  if (isCohereUsage(usage)) return cohereUsage(usage);
  if ("inputTokens" in usage || "tokens" in usage) {
    // Without a cache, Bedrock's counts are no different from the AI SDK's; its tier stands elsewhere. On the wire it has no metadata.
    return "$metadata" in result || "stopReason" in result ? bedrockUsage(result, usage) : aiSdkUsage(result, usage);
  }
  return openAiUsage(result, usage);
}
