/**
 * The provider's name as the conventions have it (`gen_ai.provider.name`), from what frameworks and older conventions call it: `openai.chat`,
 * `Anthropic`, `az.ai.openai`. Another name stays as it is.
 */
export function providerName(name: unknown): string {
  if (typeof name !== "string" || name === "") return "unknown";
  const lower = name.toLowerCase();
  const known = knownNames.find(
    ([start]) => lower === start || separators.some((next) => lower.startsWith(start + next)),
  );
  return known?.[1] ?? name;
}

const separators = [".", "-", "_", " "] as const;

/** The longer before the shorter. The convention's own names stand for themselves. */
const knownNames: readonly (readonly [start: string, provider: string])[] = [
  ["google_vertexai", "gcp.vertex_ai"],
  ["google.vertex", "gcp.vertex_ai"],
  ["google-vertex", "gcp.vertex_ai"],
  ["vertex", "gcp.vertex_ai"],
  ["vertexai", "gcp.vertex_ai"],
  ["gcp.vertex_ai", "gcp.vertex_ai"],
  ["gcp.gen_ai", "gcp.gen_ai"],
  ["google", "gcp.gemini"],
  ["gemini", "gcp.gemini"],
  ["amazon-bedrock", "aws.bedrock"],
  ["amazon_bedrock", "aws.bedrock"],
  ["aws", "aws.bedrock"],
  ["bedrock", "aws.bedrock"],
  ["azure.ai.inference", "azure.ai.inference"],
  ["az.ai.inference", "azure.ai.inference"],
  ["azure", "azure.ai.openai"],
  ["az.ai.openai", "azure.ai.openai"],
  ["openai", "openai"],
  ["anthropic", "anthropic"],
  ["mistral_ai", "mistral_ai"],
  ["mistralai", "mistral_ai"],
  ["mistral", "mistral_ai"],
  ["cohere", "cohere"],
  ["groq", "groq"],
  ["deepseek", "deepseek"],
  ["perplexity", "perplexity"],
  ["xai", "x_ai"],
  ["x_ai", "x_ai"],
  ["openrouter", "openrouter"],
  ["ollama", "ollama"],
];
