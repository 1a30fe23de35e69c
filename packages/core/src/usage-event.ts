/** Where a call's token counts come from. */
export type UsageSource = "provider" | "partial" | "estimated" | "none";
export const usageSources: readonly UsageSource[] = ["provider", "partial", "estimated", "none"];

/**
 * How a cost was found: from the price book, reported by the provider, from estimated tokens, not at all (usage without a
 * price), or not applicable (nothing was used, or the event is no model call).
 */
export type CostStatus = "priced" | "provider" | "estimated" | "unpriced" | "none";

/**
 * One finished model call, task or tool call: what a ledger keeps. Tokens follow the GenAI conventions: input includes cached,
 * output includes reasoning. Null means not known or not applicable, never zero.
 */
export interface UsageEvent {
  /** UUIDv7, made once when the event is captured. Replays carry the same id. */
  readonly eventId: string;
  readonly occurredAt: Date;
  readonly kind: "llm_call" | "task" | "tool_call";
  readonly tenant: string | null;
  readonly employee: string | null;
  readonly project: string | null;
  readonly process: string | null;
  readonly execution: string | null;
  readonly user: string | null;
  readonly provider: string | null;
  /** The model asked for. */
  readonly model: string | null;
  /** The model that answered, as the provider names it. */
  readonly responseModel: string | null;
  /** The service tier that served the call, as the provider names it. */
  readonly serviceTier: string | null;
  /** The tool's or task's name. */
  readonly name: string | null;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly cacheReadTokens: number | null;
  readonly cacheWriteTokens: number | null;
  readonly reasoningTokens: number | null;
  /** Cost in nano-USD. Null when unpriced, never 0 for that. */
  readonly costNanoUsd: bigint | null;
  readonly costStatus: CostStatus;
  /** The book's name; with `+details` at its end where the price counts what is not told here: audio, pictures, an hour's cache, searches. */
  readonly priceBook: string | null;
  /** Milliseconds the call, task or tool took. */
  readonly inferenceMs: number | null;
  /** Milliseconds the call waited before it was sent. */
  readonly queueMs: number | null;
  readonly isSuccess: boolean;
  readonly errorType: string | null;
  readonly usageSource: UsageSource;
  /** Tries it took, 1 without a retry. */
  readonly attempts: number;
}

/** Takes usage events, for example into a ledger. */
export interface UsageSink {
  /** Called synchronously for every event. Must return at once; what it throws is counted and does not reach the app. */
  write(event: UsageEvent): void;
  /** Called synchronously when a user is seen, for counting active users across processes. Under the same rules. */
  seen?(user: string, occurredAt: Date, tenant: string | null): void;
}
