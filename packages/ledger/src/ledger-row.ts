import type { CostStatus, UsageEvent, UsageSource } from "@meterbridge/core";

/**
 * One row of the ledger: a usage event that has been checked, or a correction of one. Every store keeps exactly these columns
 * and never changes a row. Texts are well-formed, without NUL, 255 characters (UTF-16 code units) at most; null means not known.
 */
export interface LedgerRow {
  /** Half of the key. Never null: events without one get the ledger's default tenant. */
  readonly tenant: string;
  /** The other half. The same id in two tenants is two events. */
  readonly eventId: string;
  /**
   * The time inside the event id, in Unix milliseconds; 0 where the id is not a UUIDv7. It follows from the id, so that a
   * replay meets the same partition.
   */
  readonly capturedAt: number;
  /** When it happened, in Unix milliseconds: decides the bucket. */
  readonly occurredAt: number;
  readonly kind: UsageKind;
  readonly employee: string | null;
  readonly project: string | null;
  readonly process: string | null;
  readonly execution: string | null;
  readonly user: string | null;
  readonly provider: string | null;
  readonly model: string | null;
  readonly name: string | null;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly cacheReadTokens: number | null;
  readonly cacheWriteTokens: number | null;
  readonly reasoningTokens: number | null;
  /** Nano-USD, within ±9 × 10^15. Null when unpriced. In a correction the difference, which may be negative. */
  readonly costNanoUsd: bigint | null;
  readonly costStatus: CostStatus;
  readonly priceBook: string | null;
  /** What the row adds to the number of unpriced events: 1 when it is one, -1 when it corrects one to priced, else 0. */
  readonly unpriced: -1 | 0 | 1;
  /** Microseconds, so that sums are exact. */
  readonly inferenceMicros: number | null;
  readonly queueMicros: number | null;
  readonly isSuccess: boolean;
  readonly errorType: string | null;
  readonly usageSource: UsageSource;
  readonly attempts: number;
  /** The event id that this row corrects; such a row is no event of its own. Null for events. */
  readonly corrects: string | null;
  /** The model that answered, as the provider names it. */
  readonly responseModel: string | null;
  /** The service tier that served the call, as the provider names it. */
  readonly serviceTier: string | null;
}

export type UsageKind = UsageEvent["kind"];
