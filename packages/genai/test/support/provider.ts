import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { messagesAnswer } from "./anthropic-answers.ts";
import { deliverRaw, deliverStream, deliverWhole } from "./deliver.ts";
import { embedAnswer, generateAnswer } from "./gemini-answers.ts";
import { ollamaChatAnswer, ollamaEmbedAnswer } from "./ollama-answers.ts";
import {
  chatAnswer,
  embeddingsAnswer,
  imagesAnswer,
  responsesAnswer,
  textCompletionAnswer,
  transcriptionAnswer,
} from "./openai-answers.ts";
import type { Answer, Asked, Frame, Reply } from "./reply.ts";

/** A request as it reached the provider. */
export interface ReceivedRequest extends Asked {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** The body's bytes. */
  readonly bytes: Buffer;
}

/** Stands for every provider of models, on one loopback port: each path is answered in the language it belongs to. */
export interface Provider {
  /** `http://127.0.0.1:port`. */
  readonly url: string;
  /** What is done with the next requests, in this order. Those after are answered with `{}`, the default reply. */
  script(...replies: readonly Reply[]): void;
  /** Every request since the last `forget`. */
  readonly requests: readonly ReceivedRequest[];
  /** Resolves when the next stream is held: when what was to be sent of it is sent, and the client has not hung up. */
  held(): Promise<void>;
  /** Drops what is scripted and what was received. */
  forget(): void;
  stop(): Promise<void>;
}

/** Starts the provider on a free port. */
export async function startProvider(): Promise<Provider> {
  const scripted: Reply[] = [];
  const requests: ReceivedRequest[] = [];
  let waiting: (() => void)[] = [];
  const held = (): void => {
    for (const tell of waiting) tell();
    waiting = [];
  };
  const server = createServer((request, response) => {
    // Two answers to the same request are to be the same.
    response.sendDate = false;
    void receive(request).then((received) => {
      requests.push(received);
      return answer(received, scripted.shift() ?? {}, response, held);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    script: (...replies) => void scripted.push(...replies),
    requests,
    held: () => new Promise((resolve) => void waiting.push(resolve)),
    forget() {
      scripted.length = 0;
      requests.length = 0;
    },
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

const ollamaPath = /\/api\/(chat|generate|embed)$/;

const languages: readonly (readonly [path: RegExp, answer: (reply: Reply, asked: Asked) => Answer])[] = [
  [/\/chat\/completions$/, chatAnswer],
  [/\/v1\/completions$/, textCompletionAnswer],
  [/\/responses$/, responsesAnswer],
  [/\/embeddings$/, embeddingsAnswer],
  [/\/images\/(generations|edits)$/, imagesAnswer],
  [/\/audio\/(transcriptions|translations)$/, transcriptionAnswer],
  [/\/v1\/messages$/, messagesAnswer],
  [/:(stream)?[gG]enerateContent$/, generateAnswer],
  [/:(batchEmbedContents|embedContent)$/, embedAnswer],
  [/\/api\/(chat|generate)$/, ollamaChatAnswer],
  [/\/api\/embed$/, ollamaEmbedAnswer],
];

async function answer(asked: ReceivedRequest, reply: Reply, response: ServerResponse, held: () => void): Promise<void> {
  // The client may be gone at any time; that is what some tests are about.
  response.on("error", () => {});
  const { delivery = {}, failure, raw } = reply;
  if (raw !== undefined) {
    return deliverRaw(response, raw.status ?? 200, raw.contentType ?? "application/json", raw.frames, delivery);
  }
  if (failure !== undefined) {
    const { retryAfterSeconds: seconds } = failure;
    const headers = { ...delivery.headers, ...(seconds !== undefined && { "retry-after": String(seconds) }) };
    return deliverWhole(response, failure.status, errorBody(asked.path, failure), { ...delivery, headers });
  }
  const language = languages.find(([path]) => path.test(asked.path));
  if (language === undefined) {
    return deliverWhole(
      response,
      404,
      { error: { message: `nothing is at ${asked.path}`, type: "not_found_error" } },
      {},
    );
  }
  const found = language[1](reply, asked);
  if ("whole" in found) return deliverWhole(response, 200, found.whole, delivery);
  const { errorEventAfter } = reply;
  const frames = errorEventAfter === undefined ? found.frames : brokenOff(found.frames, errorEventAfter, asked.path);
  await deliverStream(response, { ...found, frames }, delivery, held);
}

function errorBody(
  path: string,
  { status, type = "server_error", message = "the request was refused" }: NonNullable<Reply["failure"]>,
): unknown {
  if (path.endsWith("/messages")) return { type: "error", error: { type, message } };
  if (path.includes(":")) return { error: { code: status, message, status: type } };
  if (ollamaPath.test(path)) return { error: message };
  return { error: { message, type, param: null, code: null } };
}

/** The stream up to where it fails, and the provider's word for it. */
function brokenOff(frames: readonly Frame[], after: number, path: string): Frame[] {
  let passed = 0;
  const until = frames.findIndex(({ isContent }) => isContent && passed++ === after);
  const error = { type: "overloaded_error", message: "Overloaded" };
  const text = path.endsWith("/messages")
    ? `event: error\ndata: ${JSON.stringify({ type: "error", error })}`
    : path.endsWith("/responses")
      ? `event: error\ndata: ${JSON.stringify({ type: "error", code: "server_error", message: "Overloaded", param: null, sequence_number: 9 })}`
      : ollamaPath.test(path)
        ? JSON.stringify({ error: "Overloaded" })
        : path.includes(":")
          ? `data: ${JSON.stringify({ error: { code: 503, message: "Overloaded", status: "UNAVAILABLE" } })}`
          : `data: ${JSON.stringify({ error: { ...error, code: 529 } })}`;
  return [...frames.slice(0, until === -1 ? frames.length : until), { text, isContent: false }];
}

async function receive(request: IncomingMessage): Promise<ReceivedRequest> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const bytes = Buffer.concat(parts);
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://provider");
  const { method = "GET", headers } = request;
  return { method, headers, path: decodeURIComponent(pathname), query: searchParams, body: jsonIn(bytes), bytes };
}

function jsonIn(bytes: Buffer): Record<string, unknown> {
  try {
    return JSON.parse(bytes.toString()) as Record<string, unknown>;
  } catch {
    return {};
  }
}
