import Anthropic from "@anthropic-ai/sdk";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogle } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { GoogleGenAI, type GenerateContentParameters } from "@google/genai";
import type { AIMessageChunk } from "@langchain/core/messages";
import { ChatOpenAI } from "@langchain/openai";
import { embedMany, generateText, jsonSchema, type LanguageModel, streamText, tool, type ToolSet } from "ai";
import { Ollama } from "ollama";
import OpenAI, { AzureOpenAI } from "openai";

/** One client library, and what a test does with it. Each call makes a client of its own, as it finds the global fetch. */
export interface Client {
  readonly name: string;
  /** `gen_ai.provider.name`. */
  readonly provider: string;
  readonly model: string;
  /** `gen_ai.operation.name`. */
  readonly operation: string;
  /** Whether its streams tell usage only when they are asked to. */
  readonly asksForUsage: boolean;
  /** Tries three times where it may. Absent: it never tries again. */
  readonly retries: boolean;
  /** Resolves to all that the client gives. */
  plain(wish?: Wish): Promise<unknown>;
  /** Resolves to all chunks that the client gives, up to where it was told to stop. */
  stream(wish?: StreamWish): Promise<unknown[]>;
}

export interface Wish {
  readonly withTools?: boolean;
  readonly maxRetries?: number;
}

export interface StreamWish extends Wish {
  /** Whether the caller itself asks for usage. */
  readonly includeUsage?: boolean;
  /** Gives up after so many chunks with content. 0: before the first was asked for, once the answer has begun. */
  readonly stopAfter?: number;
  /** Resolves when the answer has begun. */
  readonly begun?: Promise<unknown>;
}

export const prompt = "Please say hello to the whole world, and be kind about it.";

const key = "key-of-the-tests";
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] } as const;
const described = { name: "weather", description: "The weather in a city", parameters };

export const openaiChat: Client = {
  name: "openai chat",
  provider: "openai",
  model: "gpt-5",
  operation: "chat",
  asksForUsage: true,
  retries: true,
  plain: (wish) => chatPlain(openai(wish), "gpt-5", wish),
  stream: (wish) => chatStream(openai(wish), "gpt-5", wish),
};

export const azure: Client = {
  ...openaiChat,
  name: "openai on azure",
  provider: "azure.ai.openai",
  plain: (wish) => chatPlain(azureOpenai(wish), "gpt-5", wish),
  stream: (wish) => chatStream(azureOpenai(wish), "gpt-5", wish),
};

export const openrouter: Client = {
  ...openaiChat,
  name: "openai on openrouter",
  provider: "openrouter",
  model: "openai/gpt-5",
  plain: (wish) => chatPlain(openai(wish, "https://openrouter.ai/api/v1"), "openai/gpt-5", wish),
  stream: (wish) => chatStream(openai(wish, "https://openrouter.ai/api/v1"), "openai/gpt-5", wish),
};

export const openaiResponses: Client = {
  ...openaiChat,
  name: "openai responses",
  asksForUsage: false,
  plain: async (wish) =>
    openai(wish).responses.create({
      model: "gpt-5",
      input: prompt,
      ...(wish?.withTools === true && { tools: [responsesTool] }),
    }),
  async stream(wish = {}) {
    const stream = await openai(wish).responses.create({
      model: "gpt-5",
      input: prompt,
      stream: true,
      ...(wish.withTools === true && { tools: [responsesTool] }),
    });
    if (wish.stopAfter === 0) return (stream.controller.abort(), []);
    return readUntil(stream, wish.stopAfter, ({ type }) => type.endsWith(".delta"));
  },
};

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

export const aiOpenai: Client = {
  ...openaiChat,
  name: "ai sdk with openai",
  // It speaks the language of responses, whose streams tell usage by themselves.
  asksForUsage: false,
  plain: (wish) => aiPlain(createOpenAI({ apiKey: key })("gpt-5"), wish),
  stream: (wish) => aiStream(createOpenAI({ apiKey: key })("gpt-5"), wish),
};

export const aiOpenaiChat: Client = {
  ...openaiChat,
  name: "ai sdk with openai chat",
  // It always asks.
  asksForUsage: false,
  plain: (wish) => aiPlain(createOpenAI({ apiKey: key }).chat("gpt-5"), wish),
  stream: (wish) => aiStream(createOpenAI({ apiKey: key }).chat("gpt-5"), wish),
};

export const aiAnthropic: Client = {
  ...anthropicMessages,
  name: "ai sdk with anthropic",
  plain: (wish) => aiPlain(createAnthropic({ apiKey: key })("claude-sonnet-5"), wish),
  stream: (wish) => aiStream(createAnthropic({ apiKey: key })("claude-sonnet-5"), wish),
};

export const aiGoogle: Client = {
  ...geminiGenerate,
  name: "ai sdk with google",
  plain: (wish) => aiPlain(createGoogle({ apiKey: key })("gemini-2.5-flash"), wish),
  stream: (wish) => aiStream(createGoogle({ apiKey: key })("gemini-2.5-flash"), wish),
};

export const langchainOpenai: Client = {
  ...openaiChat,
  name: "langchain with openai",
  // It always asks.
  asksForUsage: false,
  // It waits a second before it tries again.
  retries: false,
  plain: async (wish) => langchain(wish).invoke(prompt),
  async stream(wish = {}) {
    const giveUp = new AbortController();
    // It resolves with the first chunk.
    if (wish.stopAfter === 0) void wish.begun?.then(() => giveUp.abort());
    const stream = await langchain(wish)
      .stream(prompt, { signal: giveUp.signal })
      .catch((error: unknown) => {
        if (wish.stopAfter === 0) return [];
        throw error;
      });
    const isContent = ({ text, tool_call_chunks: calls = [] }: AIMessageChunk): boolean =>
      text !== "" || calls.length > 0;
    return readUntil(stream, wish.stopAfter, isContent, () => giveUp.abort());
  },
};

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

export function openai({ maxRetries = 0 }: Wish = {}, baseURL = "https://api.openai.com/v1"): OpenAI {
  return new OpenAI({ apiKey: key, baseURL, maxRetries });
}

export function anthropic({ maxRetries = 0 }: Wish = {}): Anthropic {
  return new Anthropic({ apiKey: key, baseURL: "https://api.anthropic.com", maxRetries });
}

export function gemini({ maxRetries = 0 }: Wish = {}): GoogleGenAI {
  const retryOptions = { attempts: maxRetries + 1, initialDelay: 0.001, maxDelay: 0.001 };
  return new GoogleGenAI({ apiKey: key, ...(maxRetries > 0 && { httpOptions: { retryOptions } }) });
}

function azureOpenai({ maxRetries = 0 }: Wish = {}): AzureOpenAI {
  return new AzureOpenAI({
    apiKey: key,
    endpoint: "https://our-resource.openai.azure.com",
    apiVersion: "2024-10-21",
    deployment: "gpt-5",
    maxRetries,
  });
}

function ollama(): Ollama {
  return new Ollama({ host: "http://localhost:11434" });
}

function langchain({ maxRetries = 0, withTools, includeUsage }: StreamWish = {}): Pick<
  ChatOpenAI,
  "invoke" | "stream"
> {
  const model = new ChatOpenAI({
    model: "gpt-5",
    apiKey: key,
    maxRetries,
    ...(includeUsage === false && { streamUsage: false }),
    configuration: { baseURL: "https://api.openai.com/v1" },
  });
  return withTools === true ? model.bindTools([{ type: "function", function: described }]) : model;
}

async function chatPlain(client: OpenAI, model: string, wish: Wish = {}): Promise<unknown> {
  return client.chat.completions.create(chatRequest(model, wish));
}

async function chatStream(client: OpenAI, model: string, wish: StreamWish = {}): Promise<unknown[]> {
  const stream = await client.chat.completions.create({
    ...chatRequest(model, wish),
    stream: true,
    ...(wish.includeUsage === true && { stream_options: { include_usage: true } }),
  });
  if (wish.stopAfter === 0) return (stream.controller.abort(), []);
  return readUntil(stream, wish.stopAfter, ({ choices: [choice] }) =>
    Boolean(choice?.delta.content || choice?.delta.tool_calls),
  );
}

function chatRequest(model: string, { withTools }: Wish): OpenAI.ChatCompletionCreateParamsNonStreaming {
  return {
    model,
    messages: [{ role: "user", content: prompt }],
    ...(withTools === true && { tools: [{ type: "function", function: described }] }),
  };
}

const responsesTool = { type: "function", strict: true, ...described } as const;

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

async function aiPlain(model: LanguageModel, { withTools, maxRetries = 0 }: Wish = {}): Promise<unknown> {
  const { content, usage, finishReason, warnings } = await generateText({
    model,
    prompt,
    maxRetries,
    ...(withTools === true && { tools }),
  });
  return { content, usage, finishReason, warnings };
}

async function aiStream(
  model: LanguageModel,
  { withTools, maxRetries = 0, stopAfter, begun }: StreamWish = {},
): Promise<unknown[]> {
  const giveUp = new AbortController();
  const errors: unknown[] = [];
  const { fullStream } = streamText({
    model,
    prompt,
    maxRetries,
    abortSignal: giveUp.signal,
    onError: ({ error }) => void errors.push(error),
    ...(withTools === true && { tools }),
  });
  if (stopAfter === 0) void begun?.then(() => giveUp.abort());
  const read: unknown[] = [];
  let content = 0;
  for await (const part of fullStream) {
    read.push(withoutChance(part));
    if (["text-delta", "reasoning-delta", "tool-input-delta"].includes(part.type)) content += 1;
    if (content === stopAfter && content > 0) giveUp.abort();
  }
  if (errors.length > 0) throw errors[0];
  return read;
}

const tools: ToolSet = {
  weather: tool({ description: described.description, inputSchema: jsonSchema<{ city: string }>(parameters) }),
};

/** The AI SDK makes ids and times of its own, other ones each time. */
function withoutChance(part: object): unknown {
  return JSON.parse(
    JSON.stringify(part, (name, value: unknown) =>
      ["timestamp", "headers", "performance"].includes(name) ? undefined : value,
    ),
  );
}

/** Stops by leaving the loop, or by `giveUp` where a client goes on behind a loop that was left. */
async function readUntil<Chunk>(
  stream: AsyncIterable<Chunk> | Iterable<Chunk>,
  stopAfter: number | undefined,
  isContent: (chunk: Chunk) => boolean,
  giveUp?: () => void,
): Promise<Chunk[]> {
  const read: Chunk[] = [];
  let content = 0;
  try {
    for await (const chunk of stream) {
      read.push(chunk);
      if (isContent(chunk)) content += 1;
      if (content !== stopAfter) continue;
      if (giveUp === undefined) break;
      giveUp();
    }
  } catch (error) {
    if (content !== stopAfter) throw error;
  }
  return read;
}
