import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI, type GenerateContentParameters } from "@google/genai";
import { Ollama } from "ollama";
import { type Client, described, key, parameters, prompt, readUntil, type Wish } from "./client.ts";

export const anthropicMessages: Client = {
  name: "anthropic messages",
  provider: "anthropic",
  model: "claude-sonnet-5",
  operation: "chat",
  asksForUsage: false,
  retries: true,
  plain: async (wish) => anthropic(wish).messages.create(messages(wish)),
  async stream(wish = {}) {
    const stream = await anthropic(wish).messages.create({ ...messages(wish), stream: true });
    if (wish.stopAfter === 0) return (stream.controller.abort(), []);
    return readUntil(stream, wish.stopAfter, ({ type }) => type === "content_block_delta");
  },
};

export const geminiGenerate: Client = {
  name: "gemini",
  provider: "gcp.gemini",
  model: "gemini-2.5-flash",
  operation: "generate_content",
  asksForUsage: false,
  retries: true,
  plain: async (wish) => gemini(wish).models.generateContent(contents(wish)),
  async stream(wish = {}) {
    // Left alone, its stream goes on behind a reader that has stopped: giving up takes the signal.
    const giveUp = new AbortController();
    const { config, ...rest } = contents(wish);
    const stream = await gemini(wish).models.generateContentStream({
      ...rest,
      config: { ...config, abortSignal: giveUp.signal },
    });
    if (wish.stopAfter === 0) return (giveUp.abort(), []);
    return readUntil(
      stream,
      wish.stopAfter,
      () => true,
      () => giveUp.abort(),
    );
  },
};

export const ollamaChat: Client = {
  name: "ollama",
  provider: "ollama",
  model: "llama3.3",
  operation: "chat",
  asksForUsage: false,
  retries: false,
  plain: async (wish) => ollama().chat({ ...ollamaRequest(wish), stream: false }),
  async stream(wish = {}) {
    const stream = await ollama().chat({ ...ollamaRequest(wish), stream: true });
    if (wish.stopAfter === 0) return (stream.abort(), []);
    return readUntil(
      stream,
      wish.stopAfter,
      () => true,
      () => stream.abort(),
    );
  },
};

export function anthropic({ maxRetries = 0 }: Wish = {}): Anthropic {
  return new Anthropic({ apiKey: key, baseURL: "https://api.anthropic.com", maxRetries });
}

export function gemini({ maxRetries = 0 }: Wish = {}): GoogleGenAI {
  const retryOptions = { attempts: maxRetries + 1, initialDelay: 0.001, maxDelay: 0.001 };
  return new GoogleGenAI({ apiKey: key, ...(maxRetries > 0 && { httpOptions: { retryOptions } }) });
}

export function ollama(): Ollama {
  return new Ollama({ host: "http://localhost:11434" });
}

function messages({ withTools }: Wish = {}): Anthropic.MessageCreateParamsNonStreaming {
  return {
    model: "claude-sonnet-5",
    max_tokens: 1000,
    messages: [{ role: "user", content: prompt }],
    ...(withTools === true && {
      tools: [
        { name: "weather", description: described.description, input_schema: { ...parameters, required: ["city"] } },
      ],
    }),
  };
}

function contents({ withTools }: Wish = {}): GenerateContentParameters {
  const functionDeclarations = [
    { name: "weather", description: described.description, parametersJsonSchema: parameters },
  ];
  return {
    model: "gemini-2.5-flash",
    contents: prompt,
    ...(withTools === true && { config: { tools: [{ functionDeclarations }] } }),
  };
}

function ollamaRequest({ withTools }: Wish = {}): {
  model: string;
  messages: { role: string; content: string }[];
  tools?: { type: string; function: { name: string; description: string } }[];
} {
  return {
    model: "llama3.3",
    messages: [{ role: "user", content: prompt }],
    ...(withTools === true && {
      tools: [{ type: "function", function: { name: "weather", description: described.description } }],
    }),
  };
}
