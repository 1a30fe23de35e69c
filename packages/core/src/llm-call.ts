import type { UsageSource } from "./usage-event.ts";
import type { RunStatus } from "./vocabulary.ts";

/** Which model is called, and how. */
export interface LlmTarget {
  /** `openai`, `anthropic`, `aws.bedrock`, … (`gen_ai.provider.name`). */
  readonly provider: string;
  /** The model asked for. */
  readonly model: string;
  /**
   * `chat`, `generate_content`, `text_completion`, `embeddings`, … (`gen_ai.operation.name`).
   * @default "chat"
   */
  readonly operation?: string | undefined;
  /**
   * The model's name in meters, where the one asked for may be any text. The usage event keeps `model`.
   * @default model
   */
  readonly modelLabel?: string | undefined;
}

/** What tokens stand for. */
export type Modality = "text" | "image" | "audio" | "video";

/** Tokens by modality; what is not told is `unknown`. */
export type TokensByModality = Readonly<Partial<Record<Modality, number>>>;

/** What a call used. Tokens follow the GenAI conventions: input includes cached ones, output includes reasoning. */
export interface LlmUsage {
  readonly inputTokens?: number | undefined;
  readonly outputTokens?: number | undefined;
  /** Of the input: read from the provider's cache. */
  readonly cacheReadTokens?: number | undefined;
  /** Of the input: written to the provider's cache. */
  readonly cacheWriteTokens?: number | undefined;
  /** Of those written to the cache: kept for an hour, which costs more than the usual five minutes. */
  readonly cacheWriteHourTokens?: number | undefined;
  /** Of the output: spent on reasoning. */
  readonly reasoningTokens?: number | undefined;
  /** The input by modality, cached tokens included. */
  readonly inputByModality?: TokensByModality | undefined;
  /** Of the input read from the cache: by modality. */
  readonly cacheReadByModality?: TokensByModality | undefined;
  /** The output by modality. */
  readonly outputByModality?: TokensByModality | undefined;
  /** Searches of the web that the provider did and charges for by number. */
  readonly webSearches?: number | undefined;
  /** The model that answered, as the provider names it. */
  readonly responseModel?: string | undefined;
  /** The service tier that served the call. */
  readonly serviceTier?: string | undefined;
  /** What the provider says the call cost, in USD; goes before the price book. */
  readonly costUsd?: number | undefined;
  /** @default "provider" when there are token counts, else "none" */
  readonly usageSource?: UsageSource | undefined;
}

/** How a call ended: what it used, and what only its end tells. */
export interface LlmEnding extends LlmUsage {
  /** Low in cardinality: a status code, an error's class. */
  readonly errorType?: string | undefined;
  /** Tries it took. @default 1 */
  readonly attempts?: number | undefined;
  /** Size of the context handed to the model, in bytes. */
  readonly contextSize?: number | undefined;
  /** Seconds the call waited before it was sent. */
  readonly queueDuration?: number | undefined;
  readonly modelLabel?: string | undefined;
  /** `performance.now()` when it ended, for one whose end is told later. @default now */
  readonly endedAt?: number | undefined;
}

/** A model call that has ended. */
export interface LlmCall extends LlmTarget, LlmUsage {
  /** Seconds from sending the request to the end of the answer. */
  readonly duration?: number | undefined;
  /** Seconds to a streamed answer's first chunk. */
  readonly timeToFirstChunk?: number | undefined;
  /** Seconds between chunks after the first: each of them. */
  readonly timePerOutputChunk?: number | readonly number[] | undefined;
  /** Seconds the call waited before it was sent. */
  readonly queueDuration?: number | undefined;
  /** Size of the context handed to the model, in bytes. */
  readonly contextSize?: number | undefined;
  /** @default "failed" with an `errorType`, else "completed" */
  readonly status?: RunStatus | undefined;
  readonly errorType?: string | undefined;
  /** Tries it took. @default 1 */
  readonly attempts?: number | undefined;
  /** Id of the usage event; a replay carries the same. @default a new UUIDv7 */
  readonly eventId?: string | undefined;
  /** @default now */
  readonly occurredAt?: Date | undefined;
}
