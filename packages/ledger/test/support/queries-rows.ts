import { memoryStore, type MemoryStore } from "@meterbridge/testkit";
import type { LedgerRow } from "../../src/ledger-row.ts";

export function openMemoryStore(): MemoryStore {
  const store = memoryStore();
  void store.open();
  return store;
}

/** A row as the ledger writes it, with an id that is the same in every run. */
export function usageRow(number: number, at: string | number, fields: Partial<LedgerRow> = {}): LedgerRow {
  const occurredAt = typeof at === "number" ? at : Date.parse(at);
  const time = occurredAt.toString(16).padStart(12, "0");
  const kind = fields.kind ?? "llm_call";
  const isCall = kind === "llm_call";
  return {
    tenant: "acme",
    eventId: `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${number.toString(16).padStart(12, "0")}`,
    capturedAt: occurredAt,
    occurredAt,
    kind,
    employee: "ada",
    project: "search",
    process: null,
    execution: null,
    user: null,
    provider: isCall ? "openai" : null,
    model: isCall ? "gpt-5" : null,
    name: isCall ? null : "answer",
    inputTokens: isCall ? 1000 : null,
    outputTokens: isCall ? 100 : null,
    cacheReadTokens: null,
    cacheWriteTokens: null,
    reasoningTokens: null,
    costNanoUsd: isCall ? 2_250_000n : null,
    costStatus: isCall ? "priced" : "none",
    priceBook: isCall ? "genai-prices@0.1.8" : null,
    unpriced: 0,
    inferenceMicros: 800_000,
    queueMicros: null,
    isSuccess: true,
    errorType: null,
    usageSource: isCall ? "provider" : "none",
    attempts: 1,
    corrects: null,
    responseModel: null,
    serviceTier: null,
    ...fields,
  };
}

/** The fields of a call that nobody could price. */
export const unpricedCall = { costNanoUsd: null, costStatus: "unpriced", priceBook: null, unpriced: 1 } as const;
