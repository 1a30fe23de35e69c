/**
 * Names of the GenAI, HTTP and database conventions, copied because the package's `/incubating` entry may change in any
 * release. GenAI: open-telemetry/semantic-conventions-genai, client-inference.md @024a4f9 and token-metrics.yaml @066d4a7;
 * the older generation: semantic-conventions v1.41.0. HTTP and database: semantic-conventions v1.45.0, stable.
 */
export const genAi = {
  provider: "gen_ai.provider.name",
  operation: "gen_ai.operation.name",
  requestModel: "gen_ai.request.model",
  responseModel: "gen_ai.response.model",
  modality: "gen_ai.token.modality",
  /** Only in v1.41. */
  tokenType: "gen_ai.token.type",
  workflow: "gen_ai.workflow.name",
  agent: "gen_ai.agent.name",
  tool: "gen_ai.tool.name",
  inputTokens: "gen_ai.usage.input_tokens",
  outputTokens: "gen_ai.usage.output_tokens",
  cacheReadTokens: "gen_ai.usage.cache_read.input_tokens",
  cacheWriteTokens: "gen_ai.usage.cache_write.input_tokens",
  reasoningTokens: "gen_ai.usage.reasoning.output_tokens",
} as const;

/** semantic-conventions v1.41.0, mcp.md. */
export const mcp = {
  method: "mcp.method.name",
} as const;

export const errorType = "error.type";

export const http = {
  method: "http.request.method",
  route: "http.route",
  status: "http.response.status_code",
  scheme: "url.scheme",
  serverAddress: "server.address",
  serverPort: "server.port",
} as const;

export const database = {
  system: "db.system.name",
  operation: "db.operation.name",
  collection: "db.collection.name",
} as const;

/** Known methods (http.md, "http.request.method"); anything else is `_OTHER`, so that a client cannot make series. */
export const httpMethods: readonly string[] = [
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "DELETE",
  "CONNECT",
  "OPTIONS",
  "TRACE",
  "PATCH",
  "QUERY",
  "_OTHER",
];
