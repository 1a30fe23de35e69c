import type { LlmEnding } from "@meterbridge/core";
import type { TokenCounter } from "./token-counter.ts";

/** What a request's address tells: whose model is called, and in which language. */
export interface CallRoute {
  /** `gen_ai.provider.name`. */
  readonly provider: string;
  readonly format: WireFormat;
  /** `gen_ai.operation.name`, where the address tells it; else the format's request does. */
  readonly operation: string;
  /** Where the address holds it (Gemini, Azure, Bedrock). */
  readonly model: string | undefined;
  /** Where the address tells it (Gemini, Bedrock). */
  readonly isStreamed: boolean | undefined;
  /** The host is known to take `stream_options`; another is asked without when it refuses. */
  readonly takesStreamOptions: boolean;
  /** The host is a provider's or a configured one. On any other the request's body must have the format's shape. */
  readonly isKnownHost: boolean;
}

/** One provider's language over HTTP: pure translation, no I/O. */
export interface WireFormat {
  readonly name: FormatName;
  /**
   * What the request says; null when it is no model call after all. `body` is the parsed JSON, or the text fields of a form, or undefined where it
   * is something else (a stream) or could not be parsed.
   */
  readRequest(body: unknown, route: CallRoute): RequestFacts | null;
  /**
   * The body with which a stream tells its usage, where the format has such a wish and the caller did not have it; else undefined. Whoever sends it
   * creates the reader with `hidesUsage: true`.
   */
  withUsageAskedFor?(body: Record<string, unknown>): Record<string, unknown> | undefined;
  /** How an answer of this content type is read. */
  answerKind(contentType: string, request: RequestFacts): AnswerKind;
  /** Reads one answer. `tokens` estimates where the provider tells nothing; by characters, if none is given. */
  createReader(request: RequestFacts, tokens?: TokenCounter): AnswerReader;
}

/** `whole`: parse it and hand it to `readWhole`. `stream`: hand each piece to `readPiece`. `opaque`: nothing to read, as in sound. */
export type AnswerKind = "whole" | "stream" | "opaque";

export type FormatName =
  | "anthropic-messages"
  | "bedrock-converse"
  | "bedrock-invoke"
  | "cohere"
  | "gemini"
  | "ollama"
  | "openai-audio"
  | "openai-chat"
  | "openai-completions"
  | "openai-embeddings"
  | "openai-images"
  | "openai-responses";

/** What a request says, as far as it is metered. Numbers and names alone, never content. */
export interface RequestFacts {
  readonly operation: string;
  readonly model: string;
  readonly isStreamed: boolean;
  readonly serviceTier: string | undefined;
  /** Characters of what is handed to the model, for an estimate where the provider tells nothing. */
  readonly inputCharacters: number;
  /** Of these: of scripts such as Chinese, where a character is about a token. Found by samples. */
  readonly inputWideCharacters: number;
  /** Whether usage was asked for on the caller's behalf, so that the extra chunk must be hidden from it. `readRequest` says false. */
  readonly hidesUsage: boolean;
}

/** Reads an answer as it passes. Holds no more of it than one unfinished line, and throws nothing, whatever comes. */
export interface AnswerReader {
  /** What the answer's headers tell, where a provider tells usage there (Bedrock). */
  readHeaders?(header: (name: string) => string | null): void;
  /** A whole answer, parsed by whoever read it. */
  readWhole(answer: unknown): void;
  /**
   * Bytes of a streamed answer, in any pieces. Returns what the caller is to get: the same object, unless something is hidden; undefined where
   * nothing is left of it. The bytes given are neither changed nor kept.
   */
  readPiece(bytes: Uint8Array): Uint8Array | undefined;
  /** The stream is at its end. Returns what was held back, if anything. */
  readEnd(): Uint8Array | undefined;
  /** How many chunks with content have come. */
  contentChunks(): number;
  /** The model that answers, where what came so far tells it. */
  responseModel(): string | undefined;
  /** Nothing that matters follows, and the client may read no further. */
  isOver(): boolean;
  /** The provider said in the answer that it failed (a 200 with an error in it, an `error` event): the `error.type`. */
  failure(): string | undefined;
  /**
   * What the call used by what was read, with its `usageSource`: `provider`; `partial` (told so far and then cut: the output is estimated from what
   * passed where that is more than what was told); `estimated`; `none`. `isCut`: the caller gave up or the line went dead. Ask only where an
   * answer had begun: the input is taken as used.
   */
  ending(isCut: boolean): LlmEnding;
  /** What could not be read: counted and told once, never thrown. */
  unreadable(): string | undefined;
}
