/** The price list's name of a provider, where the conventions have another. */
export function listedProvider(provider: string): string {
  return Object.hasOwn(listedProviders, provider) ? (listedProviders[provider] ?? provider) : provider;
}

/** The model's name as the price list knows it: out of an ARN of Bedrock, or out of a path of Google's. */
export function listedModel(provider: string, model: string): string {
  const isPath = provider === "aws" ? model.startsWith("arn:") : provider === "google";
  return isPath ? model.slice(model.lastIndexOf("/") + 1) : model;
}

const listedProviders: Readonly<Record<string, string>> = {
  "aws.bedrock": "aws",
  "azure.ai.inference": "azure",
  "azure.ai.openai": "azure",
  "gcp.gemini": "google",
  "gcp.gen_ai": "google",
  "gcp.vertex_ai": "google",
  mistral_ai: "mistral",
  moonshot_ai: "moonshotai",
  x_ai: "x-ai",
};
