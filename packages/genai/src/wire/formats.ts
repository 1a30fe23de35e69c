import { anthropicMessages } from "./anthropic-messages.ts";
import { bedrockConverse, bedrockInvoke } from "./bedrock.ts";
import { cohere } from "./cohere.ts";
import { gemini } from "./gemini.ts";
import { ollama } from "./ollama.ts";
import { openaiChat, openaiChatTelling, openaiCompletions, openaiCompletionsTelling } from "./openai-chat.ts";
import { openaiAudio, openaiEmbeddings, openaiImages } from "./openai-media.ts";
import { openaiResponses } from "./openai-responses.ts";
import type { FormatName, WireFormat } from "./wire-format.ts";

/** The languages that are understood, by name. */
export const formats: Readonly<Record<FormatName, WireFormat>> = {
  "anthropic-messages": anthropicMessages,
  "bedrock-converse": bedrockConverse,
  "bedrock-invoke": bedrockInvoke,
  cohere,
  gemini,
  ollama,
  "openai-audio": openaiAudio,
  "openai-chat": openaiChat,
  "openai-completions": openaiCompletions,
  "openai-embeddings": openaiEmbeddings,
  "openai-images": openaiImages,
  "openai-responses": openaiResponses,
};

/** As they are spoken by hosts that tell usage in every stream unasked. */
export const tellingFormats: Readonly<Partial<Record<FormatName, WireFormat>>> = {
  "openai-chat": openaiChatTelling,
  "openai-completions": openaiCompletionsTelling,
};

/** The provider to name where a host is not known: the one whose language it is. */
export const providersOfFormats: Readonly<Record<FormatName, string>> = {
  "anthropic-messages": "anthropic",
  "bedrock-converse": "aws.bedrock",
  "bedrock-invoke": "aws.bedrock",
  cohere: "cohere",
  gemini: "gcp.gemini",
  ollama: "ollama",
  "openai-audio": "openai",
  "openai-chat": "openai",
  "openai-completions": "openai",
  "openai-embeddings": "openai",
  "openai-images": "openai",
  "openai-responses": "openai",
};
