import OpenAI, { AzureOpenAI } from "openai";
import { type Client, described, key, prompt, readUntil, type StreamWish, type Wish } from "./client.ts";

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

export function openai({ maxRetries = 0 }: Wish = {}, baseURL = "https://api.openai.com/v1"): OpenAI {
  return new OpenAI({ apiKey: key, baseURL, maxRetries });
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
