import { createOpenAI } from "@ai-sdk/openai";
import { embedMany } from "ai";
import { type Client, key } from "./client.ts";
import { aiAnthropic, aiGoogle, aiOpenai, aiOpenaiChat, langchainOpenai } from "./clients-of-frameworks.ts";
import { azure, openai, openaiChat, openaiResponses, openrouter } from "./clients-of-openai.ts";
import { anthropicMessages, gemini, geminiGenerate, ollama, ollamaChat } from "./clients-of-others.ts";

/** Every client that the table of calls holds. */
export const clients: readonly Client[] = [
  openaiChat,
  openaiResponses,
  azure,
  openrouter,
  anthropicMessages,
  geminiGenerate,
  ollamaChat,
  aiOpenai,
  aiOpenaiChat,
  aiAnthropic,
  aiGoogle,
  langchainOpenai,
];

/** Calls that make embeddings. */
export const embedders: readonly (Pick<Client, "name" | "provider" | "model"> & { embed(): Promise<unknown> })[] = [
  {
    name: "openai",
    provider: "openai",
    model: "text-embedding-3-small",
    embed: async () => openai().embeddings.create({ model: "text-embedding-3-small", input: ["one", "two"] }),
  },
  {
    name: "ai sdk with openai",
    provider: "openai",
    model: "text-embedding-3-small",
    embed: async () => {
      const model = createOpenAI({ apiKey: key }).embedding("text-embedding-3-small");
      const { embeddings, usage } = await embedMany({ model, values: ["one", "two"] });
      return { embeddings, usage };
    },
  },
  {
    name: "gemini",
    provider: "gcp.gemini",
    model: "gemini-embedding-001",
    embed: async () => gemini().models.embedContent({ model: "gemini-embedding-001", contents: ["one", "two"] }),
  },
  {
    name: "ollama",
    provider: "ollama",
    model: "all-minilm",
    embed: async () => ollama().embed({ model: "all-minilm", input: ["one", "two"] }),
  },
];
