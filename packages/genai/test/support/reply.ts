/** What a request costs by the provider's own count. As in the conventions: input includes cached tokens, output includes reasoning. */
export interface Bill {
  readonly input: number;
  readonly output: number;
  readonly cacheRead?: number;
  /** Written to the cache in all, the hour's included. */
  readonly cacheWrite?: number;
  readonly cacheWriteHour?: number;
  readonly reasoning?: number;
  /** Of the input. */
  readonly audioInput?: number;
  /** Of the input. */
  readonly imageInput?: number;
  /** Of the output. */
  readonly audioOutput?: number;
  /** As OpenRouter tells it. */
  readonly costUsd?: number;
}

export interface ToolCall {
  readonly name: string;
  /** JSON. */
  readonly arguments: string;
}

/** How an answer's bytes are sent. */
export interface Delivery {
  readonly encoding?: "gzip" | "br" | "deflate";
  /** `bytes`: every byte of a stream by itself, so that characters and lines are cut. A number: pieces of so many bytes. */
  readonly cut?: "bytes" | number;
  readonly lineEnd?: "\n" | "\r\n";
  /** Comment lines between the events, as providers send them to keep a line open. */
  readonly comments?: boolean;
  /** After so many frames with content nothing is sent any more until the client hangs up. 0: nothing but the headers. */
  readonly holdAfter?: number;
  /** After so many frames with content the socket is destroyed. */
  readonly destroyAfter?: number;
  /** Instead of the body's true length; the connection ends with the body. */
  readonly contentLength?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What the provider does with one request. */
export interface Reply {
  /** The model that answers. @default the one asked for */
  readonly model?: string;
  /** What it says, one chunk of a stream each. @default "Hello" and " world" */
  readonly text?: readonly string[];
  /** What it thinks before, one chunk each. */
  readonly thoughts?: readonly string[];
  readonly toolCalls?: readonly ToolCall[];
  /** @default 100 tokens in, 20 out; null: the answer tells no usage */
  readonly bill?: Bill | null;
  /** Instead of the usage made from `bill`: whatever it is. */
  readonly usage?: unknown;
  /** The service tier that serves the request. */
  readonly tier?: string;
  /** Refuses the request. */
  readonly failure?: Failure;
  /** A stream tells of an error after so many frames with content, and ends. */
  readonly errorEventAfter?: number;
  /** Answers with this and nothing of the provider's language. Its frames are sent one by one. */
  readonly raw?: RawReply;
  readonly delivery?: Delivery;
}

export interface Failure {
  readonly status: number;
  readonly type?: string;
  readonly message?: string;
  readonly retryAfterSeconds?: number;
}

export interface RawReply {
  readonly status?: number;
  /** @default "application/json" */
  readonly contentType?: string;
  readonly frames: Iterable<string | Uint8Array>;
}

/** One write of a stream, without the line ends after it. */
export interface Frame {
  readonly text: string;
  /** Whether it carries something of the answer. */
  readonly isContent: boolean;
}

/** What a request says, as far as the provider needs it. */
export interface Asked {
  /** Without the host and the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** The parsed JSON; an empty object for anything else. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** An answer in a provider's language. */
export type Answer =
  | { readonly whole: unknown }
  | {
      readonly frames: readonly Frame[];
      readonly contentType: string;
      /** Between frames. */
      readonly separator: string;
    };

const defaultBill: Bill = { input: 100, output: 20 };
export const defaultText: readonly string[] = ["Hello", " world"];

/** The usage of the reply: raw, or made from its bill, or undefined where the answer is to tell none. */
export function usageIn(reply: Reply, make: (bill: Bill) => unknown): unknown {
  if ("usage" in reply) return reply.usage;
  return reply.bill === null ? undefined : make(reply.bill ?? defaultBill);
}

export function content(value: unknown): Frame {
  return { text: `data: ${JSON.stringify(value)}`, isContent: true };
}

export function other(value: unknown): Frame {
  return { text: `data: ${JSON.stringify(value)}`, isContent: false };
}
