import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogle } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import type { AIMessageChunk } from "@langchain/core/messages";
import { ChatOpenAI } from "@langchain/openai";
import { generateText, jsonSchema, type LanguageModel, streamText, tool, type ToolSet } from "ai";
import { type Client, described, key, parameters, prompt, readUntil, type StreamWish, type Wish } from "./client.ts";
import { anthropicMessages, geminiGenerate } from "./clients-of-others.ts";
import { openaiChat } from "./clients-of-openai.ts";

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
