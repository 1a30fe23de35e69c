import type { LedgerRow } from "@meterbridge/ledger";
import { momentOf, uuidV7 } from "./uuid-v7.ts";

/** A usage event as `@meterbridge/core` hands it to its sinks. */
export interface UsageEvent extends Omit<
  LedgerRow,
  "tenant" | "occurredAt" | "capturedAt" | "unpriced" | "inferenceMicros" | "queueMicros" | "corrects"
> {
  readonly tenant: string | null;
  readonly occurredAt: Date;
  readonly inferenceMs: number | null;
  readonly queueMs: number | null;
}

/**
 * A row of the ledger, by default a priced model call of tenant `acme` that has just succeeded. The id is fresh, of the time
 * that `capturedAt` gives or, without that, `occurredAt`; with an id given, `capturedAt` is the time inside it.
 */
export function ledgerRow(fields: Partial<LedgerRow> = {}): LedgerRow {
  const occurredAt = fields.occurredAt ?? Date.now();
  const eventId = fields.eventId ?? uuidV7(fields.capturedAt ?? occurredAt);
  return {
    ...usual,
    tenant: "acme",
    eventId,
    capturedAt: momentOf(eventId),
    occurredAt,
    unpriced: fields.costStatus === "unpriced" ? 1 : 0,
    inferenceMicros: 1_250_000,
    queueMicros: 20_000,
    corrects: null,
    ...fields,
  };
}

/** A usage event, by default a priced model call of tenant `acme` that has just succeeded, with a fresh id. */
export function usageEvent(fields: Partial<UsageEvent> = {}): UsageEvent {
  const occurredAt = fields.occurredAt ?? new Date();
  const eventId = uuidV7(occurredAt.getTime());
  return { ...usual, eventId, tenant: "acme", occurredAt, inferenceMs: 1250, queueMs: 20, ...fields };
}

const usual = {
  kind: "llm_call",
  employee: "ada",
  project: "search",
  process: "answer",
  execution: "run-1",
  user: "user-1",
  provider: "openai",
  model: "gpt-5",
  responseModel: "gpt-5-2025-08-07",
  serviceTier: "default",
  name: null,
  inputTokens: 1200,
  outputTokens: 300,
  cacheReadTokens: 1000,
  cacheWriteTokens: 0,
  reasoningTokens: 100,
  costNanoUsd: 4_200_000n,
  costStatus: "priced",
  priceBook: "prices@1",
  isSuccess: true,
  errorType: null,
  usageSource: "provider",
  attempts: 1,
} as const satisfies Partial<LedgerRow>;
