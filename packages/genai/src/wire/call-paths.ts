import type { FormatName } from "./wire-format.ts";

/** What an address's path tells of a model call. */
export interface CallPath {
  readonly format: FormatName;
  readonly operation: string;
  readonly model?: string | undefined;
  readonly isStreamed?: boolean;
}

/** Whether an address could be one of a model call, by its last part. Costs a fraction of a microsecond: it is asked of every request of an app. */
export function endsLikeModelCall(address: string): boolean {
  const last = lastPartOf(address);
  return endings.has(last) || actions.has(last.slice(last.lastIndexOf(":") + 1));
}

/** What the path of a URL tells; undefined where it is none of a model call. */
export function readCallPath(path: string): CallPath | undefined {
  const last = lastPartOf(path);
  const ending = endings.get(last);
  if (ending !== undefined) {
    const parts = path.split("/").filter((part) => part !== "");
    const before = parts.at(-2);
    // OpenAI's assistants keep messages in threads.
    if (parts.includes("threads")) return undefined;
    return ending(before, parts);
  }
  const colon = last.lastIndexOf(":");
  const action = actions.get(last.slice(colon + 1));
  return action?.(decoded(last.slice(0, colon)), path);
}

type Ending = (before: string | undefined, parts: readonly string[]) => CallPath | undefined;

const endings: ReadonlyMap<string, Ending> = new Map<string, Ending>([
  [
    "completions",
    (before, parts) =>
      before === "chat"
        ? { format: "openai-chat", operation: "chat", model: deploymentIn(parts) }
        : { format: "openai-completions", operation: "text_completion", model: deploymentIn(parts) },
  ],
  ["responses", (_before, parts) => ({ format: "openai-responses", operation: "chat", model: deploymentIn(parts) })],
  [
    "embeddings",
    (before, parts) =>
      before === "api"
        ? { format: "ollama", operation: "embeddings" }
        : { format: "openai-embeddings", operation: "embeddings", model: deploymentIn(parts) },
  ],
  ["generations", images],
  ["edits", images],
  ["variations", images],
  ["speech", audio],
  ["transcriptions", audio],
  ["translations", audio],
  ["messages", () => ({ format: "anthropic-messages", operation: "chat" })],
  ["chat", (before) => ownApi(before, "chat")],
  ["generate", (before) => ownApi(before, "text_completion")],
  ["embed", (before) => ownApi(before, "embeddings")],
  ["converse", (_before, parts) => bedrock(parts, "bedrock-converse", false)],
  ["converse-stream", (_before, parts) => bedrock(parts, "bedrock-converse", true)],
  ["invoke", (_before, parts) => bedrock(parts, "bedrock-invoke", false)],
  ["invoke-with-response-stream", (_before, parts) => bedrock(parts, "bedrock-invoke", true)],
]);

type Action = (model: string, path: string) => CallPath | undefined;

const actions: ReadonlyMap<string, Action> = new Map<string, Action>([
  ["generateContent", (model) => ({ format: "gemini", operation: "generate_content", model, isStreamed: false })],
  ["streamGenerateContent", (model) => ({ format: "gemini", operation: "generate_content", model, isStreamed: true })],
  ["embedContent", embedding],
  ["batchEmbedContents", embedding],
  ["predict", (model) => (model.includes("embedding") ? embedding(model) : undefined)],
  ["rawPredict", (model, path) => published(model, path, false)],
  ["streamRawPredict", (model, path) => published(model, path, true)],
]);

function lastPartOf(address: string): string {
  let end = address.indexOf("?");
  if (end < 0) end = address.indexOf("#");
  if (end < 0) end = address.length;
  if (address.charCodeAt(end - 1) === slash) end -= 1;
  return address.slice(address.lastIndexOf("/", end - 1) + 1, end);
}

const slash = 47;

function images(before: string | undefined, parts: readonly string[]): CallPath | undefined {
  if (before !== "images") return undefined;
  return { format: "openai-images", operation: "generate_content", model: deploymentIn(parts) };
}

function audio(before: string | undefined, parts: readonly string[]): CallPath | undefined {
  if (before !== "audio") return undefined;
  return { format: "openai-audio", operation: "generate_content", model: deploymentIn(parts) };
}

function embedding(model: string): CallPath {
  return { format: "gemini", operation: "embeddings", model, isStreamed: false };
}

/** Ollama's paths begin with `api`, Cohere's with a version. */
function ownApi(before: string | undefined, operation: string): CallPath | undefined {
  if (before === "api") return { format: "ollama", operation };
  return before === "v1" || before === "v2" ? { format: "cohere", operation } : undefined;
}

function bedrock(parts: readonly string[], format: FormatName, isStreamed: boolean): CallPath | undefined {
  if (parts.at(-3) !== "model") return undefined;
  const model = decoded(parts.at(-2) ?? "");
  return { format, operation: model.includes("embed") ? "embeddings" : "chat", model, isStreamed };
}

/** Vertex AI passes the requests for others' models on in their own language. */
function published(model: string, path: string, isStreamed: boolean): CallPath | undefined {
  if (path.includes("/publishers/anthropic/"))
    return { format: "anthropic-messages", operation: "chat", model, isStreamed };
  if (path.includes("/publishers/mistralai/")) return { format: "openai-chat", operation: "chat", model, isStreamed };
  return undefined;
}

/** Azure's name for a model of one's own, in the path. */
function deploymentIn(parts: readonly string[]): string | undefined {
  const index = parts.indexOf("deployments");
  const name = index < 0 ? undefined : parts[index + 1];
  return name === undefined ? undefined : decoded(name);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
