import type { LlmEnding } from "@meterbridge/core";

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
}

/** One provider's language over HTTP: pure translation, no I/O. */
export interface WireFormat {
  /** `openai-chat`, `openai-responses`, `anthropic-messages`, `gemini`, … */
  readonly name: string;
  /** What the request says; null when it is no model call after all. `body` is the parsed JSON, or undefined where it is something else (a form, a stream). */
  readRequest(body: unknown, route: CallRoute): RequestFacts | null;
  /** The body with which a stream tells its usage, where the format has such a wish and the caller did not have it; else undefined. */
  withUsageAskedFor?(body: Record<string, unknown>): Record<string, unknown> | undefined;
  /** Reads one answer. */
  createReader(request: RequestFacts): AnswerReader;
}

/** What a request says, as far as it is metered. Numbers and names alone, never content. */
export interface RequestFacts {
  readonly operation: string;
  readonly model: string;
  readonly isStreamed: boolean;
  readonly serviceTier: string | undefined;
  /** Characters of what is handed to the model, for an estimate where the provider tells nothing. */
  readonly inputCharacters: number;
  /** Whether usage was asked for on the caller's behalf, so that the extra chunk must be hidden from it. */
  readonly hidesUsage: boolean;
}

/** Reads an answer as it passes. Holds no more of it than one unfinished line, and throws nothing, whatever comes. */
export interface AnswerReader {
  /** A whole answer, parsed by whoever read it. */
  readWhole(answer: unknown): void;
  /**
   * Bytes of a streamed answer, in any pieces. Returns what the caller is to get: the same object, unless something is hidden; undefined where
   * nothing is left of it.
   */
  readPiece(bytes: Uint8Array): Uint8Array | undefined;
  /** The stream is at its end. Returns what was held back, if anything. */
  readEnd(): Uint8Array | undefined;
  /** How many chunks with content have come. */
  contentChunks(): number;
  /** The provider said in the answer that it failed (a 200 with an error in it, an `error` event): the `error.type`. */
  failure(): string | undefined;
  /**
   * What the call used by what was read, with its `usageSource`: `provider`, `partial` (told so far, and then cut), `estimated`, `none`. `isCut`:
   * the caller gave up or the line went dead.
   */
  ending(isCut: boolean): LlmEnding;
  /** What could not be read: counted and told once, never thrown. */
  unreadable(): string | undefined;
}
