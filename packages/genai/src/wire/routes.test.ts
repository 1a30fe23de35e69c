import { expect, test } from "vitest";
import { mayBeModelCall, routeOf, type RouteSettings } from "./routes.ts";
import type { CallRoute } from "./wire-format.ts";

const table: readonly (readonly [address: string, route: string])[] = [
  ["https://api.openai.com/v1/chat/completions", "openai openai-chat chat"],
  ["https://eu.api.openai.com/v1/chat/completions", "openai openai-chat chat"],
  ["https://api.openai.com/v1/completions", "openai openai-completions text_completion"],
  ["https://api.openai.com/v1/responses", "openai openai-responses chat"],
  ["https://api.openai.com/v1/embeddings", "openai openai-embeddings embeddings"],
  ["https://api.openai.com/v1/images/generations", "openai openai-images generate_content"],
  ["https://api.openai.com/v1/images/edits", "openai openai-images generate_content"],
  ["https://api.openai.com/v1/audio/transcriptions", "openai openai-audio generate_content"],
  ["https://api.openai.com/v1/audio/speech", "openai openai-audio generate_content"],
  [
    "https://mine.openai.azure.com/openai/deployments/my%20gpt/chat/completions?api-version=2025-01-01",
    "azure.ai.openai openai-chat chat my gpt",
  ],
  ["https://mine.cognitiveservices.azure.com/openai/v1/responses", "azure.ai.openai openai-responses chat"],
  ["https://mine.services.ai.azure.com/models/chat/completions?api-version=1", "azure.ai.inference openai-chat chat"],
  ["https://mine.services.ai.azure.com/openai/v1/chat/completions", "azure.ai.openai openai-chat chat"],
  ["https://mine.services.ai.azure.com/anthropic/v1/messages", "azure.ai.inference anthropic-messages chat"],
  [
    "https://gateway.example.com/openai/deployments/gpt/chat/completions",
    "azure.ai.openai openai-chat chat gpt unknown host",
  ],
  ["https://api.anthropic.com/v1/messages?beta=true", "anthropic anthropic-messages chat"],
  [
    "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-pro:generateContent",
    "gcp.gemini gemini generate_content gemini-2.5-pro whole",
  ],
  [
    "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse",
    "gcp.gemini gemini generate_content gemini-2.5-pro streamed",
  ],
  [
    "https://generativelanguage.googleapis.com/v1beta/models/gemini-embedding-001:batchEmbedContents",
    "gcp.gemini gemini embeddings gemini-embedding-001 whole",
  ],
  ["https://generativelanguage.googleapis.com/v1beta/openai/chat/completions", "gcp.gemini openai-chat chat"],
  [
    "https://europe-west1-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/google/models/gemini-2.5-flash:generateContent",
    "gcp.vertex_ai gemini generate_content gemini-2.5-flash whole",
  ],
  [
    "https://aiplatform.googleapis.com/v1/projects/p/locations/global/publishers/anthropic/models/claude-opus-5@20260101:streamRawPredict",
    "gcp.vertex_ai anthropic-messages chat claude-opus-5@20260101 streamed",
  ],
  [
    "https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/google/models/text-embedding-005:predict",
    "gcp.vertex_ai gemini embeddings text-embedding-005 whole",
  ],
  [
    "https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude-3%3A0/converse",
    "aws.bedrock bedrock-converse chat anthropic.claude-3:0 whole",
  ],
  [
    "https://bedrock-runtime.eu-west-1.amazonaws.com/model/meta.llama/invoke-with-response-stream",
    "aws.bedrock bedrock-invoke chat meta.llama streamed",
  ],
  [
    "https://bedrock-runtime-fips.us-east-1.amazonaws.com/model/amazon.titan-embed-text-v2/invoke",
    "aws.bedrock bedrock-invoke embeddings amazon.titan-embed-text-v2 whole",
  ],
  ["https://api.mistral.ai/v1/chat/completions", "mistral_ai openai-chat chat"],
  ["https://codestral.mistral.ai/v1/fim/completions", "mistral_ai openai-completions text_completion"],
  ["https://api.groq.com/openai/v1/chat/completions", "groq openai-chat chat"],
  ["https://openrouter.ai/api/v1/chat/completions", "openrouter openai-chat chat"],
  ["https://api.deepseek.com/chat/completions", "deepseek openai-chat chat"],
  ["https://api.deepseek.com/anthropic/v1/messages", "deepseek anthropic-messages chat"],
  ["https://api.x.ai/v1/chat/completions", "x_ai openai-chat chat"],
  ["https://api.perplexity.ai/chat/completions", "perplexity openai-chat chat"],
  ["https://api.cohere.com/v2/chat", "cohere cohere chat"],
  ["https://api.cohere.ai/v1/embed", "cohere cohere embeddings"],
  ["https://api.together.xyz/v1/completions", "together openai-completions text_completion"],
  ["https://api.fireworks.ai/inference/v1/chat/completions", "fireworks openai-chat chat"],
  ["https://api.moonshot.cn/v1/chat/completions", "moonshot_ai openai-chat chat"],
  ["http://localhost:11434/api/chat", "ollama ollama chat unknown host"],
  ["http://localhost:11434/api/generate", "ollama ollama text_completion unknown host"],
  ["http://127.0.0.1:11434/api/embed", "ollama ollama embeddings unknown host"],
  ["http://localhost:11434/v1/chat/completions", "openai openai-chat chat unknown host"],
  ["https://proxy.example.com/anything/v1/messages", "anthropic anthropic-messages chat unknown host"],
  ["http://[::1]:8080/v1beta/models/m:generateContent", "gcp.gemini gemini generate_content m whole unknown host"],
];

test.each(table)("a call to %s is known for what it is: %s", (address, expected) => {
  expect(mayBeModelCall(address)).toBe(true);
  expect(textOf(routeOf(new URL(address), "POST"))).toBe(expected);
});

test.each([
  "https://api.openai.com/v1/moderations",
  "https://api.openai.com/v1/threads/thread_1/messages",
  "https://api.openai.com/v1/chat/completions/chatcmpl-1",
  "https://api.openai.com/v1/batches",
  "https://api.anthropic.com/v1/messages/count_tokens",
  "https://api.anthropic.com/v1/messages/batches",
  "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-pro:countTokens",
  "https://generativelanguage.googleapis.com/v1beta/models",
  "https://bedrock.us-east-1.amazonaws.com/foundation-models",
  "https://example.com/",
  "https://example.com/search?next=/v1/chat/completions",
  "https://example.com/docs#/v1/chat/completions",
  "https://example.com/image/generations",
  "https://example.com/chat",
  "data:text/plain,hello",
  "https://example.com/%E0%A4%A:generateConten",
])("a request to %s is none to a model, and nothing is metered for it", (address) => {
  expect(routeOf(new URL(address), "POST")).toBeUndefined();
});

test("reading what was once answered is no call: only POST is", () => {
  const url = new URL("https://api.openai.com/v1/chat/completions");
  for (const method of ["GET", "DELETE", "get", ""]) expect(routeOf(url, method)).toBeUndefined();
  expect(routeOf(url, "post")).toBeDefined();
});

test("whatever may be a model call passes the quick test first, whatever stands around its address", () => {
  expect(mayBeModelCall("https://api.openai.com/v1/chat/completions/?a=1#b")).toBe(true);
  expect(mayBeModelCall("https://example.com/users/5?x=/v1/chat/completions")).toBe(false);
  for (const odd of ["", "/", "?", "#", ":", "completions", "//"]) expect(() => mayBeModelCall(odd)).not.toThrow();
});

test("a host of one's own is called by the name that was configured, with its port", () => {
  const settings: RouteSettings = { hosts: [{ host: "llm.internal:8080", provider: "mine" }] };
  const at = (address: string): string => textOf(routeOf(new URL(address), "POST", settings));
  expect(at("http://llm.internal:8080/v1/chat/completions")).toBe("mine openai-chat chat");
  expect(at("http://llm.internal/v1/chat/completions")).toBe("openai openai-chat chat unknown host");
});

test("a host configured with its language has model calls under any path, where the body agrees", () => {
  const settings: RouteSettings = { hosts: [{ host: "llm.internal", provider: "mine", format: "openai-chat" }] };
  const address = "https://llm.internal/generate-it";
  expect(mayBeModelCall(address, settings)).toBe(true);
  const route = routeOf(new URL(address), "POST", settings);
  expect(textOf(route)).toBe("mine openai-chat chat unknown host");
  expect(route?.format.readRequest({ question: "what" }, route)).toBeNull();
  const body = { model: "m", messages: [{ role: "user", content: "x" }] };
  expect(route?.format.readRequest(body, route)?.model).toBe("m");
});

test.each([
  ["https://app.example.com/v1/messages", { text: "hello", channel: 5 }],
  ["https://app.example.com/v1/messages", { model: "Golf", messages: [{ role: "user" }] }],
  ["https://app.example.com/completions", { model: "x" }],
  ["https://app.example.com/responses", { answers: [] }],
  ["https://app.example.com/embeddings", { input: "x" }],
  ["https://app.example.com/images/edits", { image: 5, prompt: "x" }],
  ["https://app.example.com/api/chat", { id: "1", model: "m", messages: [{ role: "user", parts: [] }] }],
  ["https://app.example.com/api/generate", { kind: "report" }],
  ["https://app.example.com/v1/chat", { messages: ["x"] }],
  ["https://app.example.com/v1/things:generateContent", { topic: "x" }],
  ["https://app.example.com/v1/messages", undefined],
  ["https://app.example.com/v1/messages", "text"],
  ["https://app.example.com/v1/messages", [{ role: "user" }]],
])("an app's own POST %s with another body is not metered", (address, body) => {
  const route = routeOf(new URL(address), "POST");
  expect(route?.isKnownHost).toBe(false);
  expect(route?.format.readRequest(body, route)).toBeNull();
});

test("Mistral and Perplexity tell their usage unasked, and are not asked: Mistral refuses what it does not know", () => {
  for (const host of ["api.mistral.ai", "api.perplexity.ai"]) {
    const route = routeOf(new URL(`https://${host}/v1/chat/completions`), "POST");
    expect(route?.format.withUsageAskedFor).toBeUndefined();
  }
});

function textOf(route: CallRoute | undefined): string {
  if (route === undefined) return "none";
  const { provider, format, operation, model, isStreamed, isKnownHost } = route;
  const streamed = isStreamed === undefined ? undefined : isStreamed ? "streamed" : "whole";
  return [provider, format.name, operation, model, streamed, isKnownHost ? undefined : "unknown host"]
    .filter((part) => part !== undefined)
    .join(" ");
}
