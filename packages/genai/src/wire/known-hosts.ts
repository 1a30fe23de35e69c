/** What is known of a host. */
export interface KnownHost {
  /** `gen_ai.provider.name`: the conventions' name where they have one. */
  readonly provider: string;
  /** Whether its OpenAI-shaped streams take `stream_options`, or tell their usage without. @default "asked" */
  readonly usage?: "asked" | "told";
}

/** The provider that a host belongs to; undefined for any other host. */
export function knownHostOf(hostname: string): KnownHost | undefined {
  const known = hosts.get(hostname);
  if (known !== undefined) return known;
  for (const [pattern, host] of patterns) if (pattern.test(hostname)) return host;
  return undefined;
}

const azureInference: KnownHost = { provider: "azure.ai.inference" };
const cohere: KnownHost = { provider: "cohere" };
const mistral: KnownHost = { provider: "mistral_ai", usage: "told" };
const moonshot: KnownHost = { provider: "moonshot_ai" };
const together: KnownHost = { provider: "together" };

const hosts: ReadonlyMap<string, KnownHost> = new Map([
  ["api.openai.com", { provider: "openai" }],
  ["api.anthropic.com", { provider: "anthropic" }],
  ["generativelanguage.googleapis.com", { provider: "gcp.gemini" }],
  ["api.mistral.ai", mistral],
  ["codestral.mistral.ai", mistral],
  ["api.groq.com", { provider: "groq" }],
  ["openrouter.ai", { provider: "openrouter" }],
  ["api.deepseek.com", { provider: "deepseek" }],
  ["api.x.ai", { provider: "x_ai" }],
  ["api.perplexity.ai", { provider: "perplexity", usage: "told" }],
  ["api.cohere.com", cohere],
  ["api.cohere.ai", cohere],
  ["api.together.xyz", together],
  ["api.together.ai", together],
  ["api.fireworks.ai", { provider: "fireworks" }],
  ["api.moonshot.ai", moonshot],
  ["api.moonshot.cn", moonshot],
  ["api.cerebras.ai", { provider: "cerebras" }],
  ["api.novita.ai", { provider: "novita" }],
  ["api.voyageai.com", { provider: "voyageai" }],
  ["ollama.com", { provider: "ollama" }],
  ["models.inference.ai.azure.com", azureInference],
]);

const patterns: readonly (readonly [RegExp, KnownHost])[] = [
  [/^[a-z]+\.api\.openai\.com$/, { provider: "openai" }],
  [/\.(?:openai|cognitiveservices)\.azure\.(?:com|us|cn)$/, { provider: "azure.ai.openai" }],
  [/\.(?:models|services)\.ai\.azure\.com$/, azureInference],
  [/(?:^|-)aiplatform\.(?:[a-z]+\.rep\.)?googleapis\.com$/, { provider: "gcp.vertex_ai" }],
  [
    /(?:^|\.)bedrock-(?:runtime|mantle)(?:-fips)?\.[a-z0-9-]+\.(?:vpce\.)?(?:amazonaws\.com(?:\.cn)?|api\.aws)$/,
    { provider: "aws.bedrock" },
  ],
];
