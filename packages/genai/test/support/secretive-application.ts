/**
 * An application whose calls of models are full of secrets, in every place that a call has. It knows nothing of metering; the preload captures
 * its calls. It prints `ready`, and ends when it is told to by a signal.
 */
import Anthropic from "@anthropic-ai/sdk";
import { createOpenAI } from "@ai-sdk/openai";
import { GoogleGenAI } from "@google/genai";
import { generateText } from "ai";
import { Ollama } from "ollama";
import OpenAI, { toFile } from "openai";

const url = process.env["PROVIDER"] ?? "";
// One for each place, so that it can be seen which of them leads out.
const secret = (place: string): string => `${process.env["MARKER"] ?? ""}-${place}`;

const apiKey = secret("key");
const defaultHeaders = { "x-own": secret("header"), cookie: secret("cookie") };
const openai = new OpenAI({
  apiKey,
  baseURL: `${url}/v1`,
  maxRetries: 0,
  defaultHeaders,
  organization: secret("organization"),
});
const anthropic = new Anthropic({ apiKey, baseURL: url, maxRetries: 0, defaultHeaders });
const gemini = new GoogleGenAI({ apiKey, httpOptions: { baseUrl: url, headers: defaultHeaders } });
const ollama = new Ollama({ host: url, headers: defaultHeaders });

const messages = [
  { role: "system" as const, content: secret("system") },
  { role: "user" as const, content: secret("prompt") },
];
const tools = [
  { type: "function" as const, function: { name: secret("tool"), description: secret("description"), parameters: {} } },
];
const chat = { model: "gpt-5", messages, tools, user: secret("user"), metadata: { note: secret("metadata") } };
const asked = {
  model: "claude-sonnet-5",
  max_tokens: 100,
  system: secret("system"),
  messages: [{ role: "user" as const, content: secret("prompt") }],
};

async function drain(stream: Promise<AsyncIterable<unknown>>, most = Infinity): Promise<void> {
  let read = 0;
  for await (const _chunk of await stream) if (++read === most) break;
}

const calls: (() => Promise<unknown>)[] = [
  () => openai.chat.completions.create(chat),
  () => drain(openai.chat.completions.create({ ...chat, stream: true })),
  () => drain(openai.chat.completions.create({ ...chat, stream: true }), 2),
  () => openai.responses.create({ model: "gpt-5", instructions: secret("system"), input: secret("prompt") }),
  () => drain(openai.responses.create({ model: "gpt-5", input: secret("prompt"), stream: true })),
  () => openai.embeddings.create({ model: "text-embedding-3-small", input: secret("prompt") }),
  async () =>
    openai.audio.transcriptions.create({
      model: "gpt-4o-transcribe",
      prompt: secret("prompt"),
      file: await toFile(Buffer.from("sound"), `${secret("file")}.wav`),
    }),
  () => anthropic.messages.create(asked),
  () => drain(anthropic.messages.create({ ...asked, stream: true })),
  () =>
    gemini.models.generateContent({
      model: "gemini-2.5-flash",
      contents: secret("prompt"),
      config: { systemInstruction: secret("system") },
    }),
  () => drain(gemini.models.generateContentStream({ model: "gemini-2.5-flash", contents: secret("prompt") })),
  () => ollama.chat({ model: "llama3.3", messages: [{ role: "user", content: secret("prompt") }] }),
  () =>
    generateText({
      model: createOpenAI({ apiKey, baseURL: `${url}/v1` })("gpt-5"),
      prompt: secret("prompt"),
      maxRetries: 0,
    }),
  // The key in the address, as some send it.
  () =>
    fetch(`${url}/v1beta/models/gemini-2.5-flash:generateContent?key=${apiKey}`, {
      method: "POST",
      body: JSON.stringify({ contents: [{ parts: [{ text: secret("prompt") }] }] }),
    }),
  // A model nobody knows; its name goes to the ledger alone.
  () => openai.chat.completions.create({ ...chat, model: "house-model" }),
];

// Once answered, once refused, once broken: errors quote what was asked.
for (const call of [...calls, ...calls, ...calls]) {
  await call().catch(() => {});
}
console.log(`ready after ${calls.length} calls`);
setInterval(() => {}, 1000);
