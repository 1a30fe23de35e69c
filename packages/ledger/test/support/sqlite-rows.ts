import { randomUUID } from "node:crypto";
import type { LedgerRow } from "../../src/ledger-row.ts";

/** A row of a model call like many, unlike all others. */
export function usageRow(fields: Partial<LedgerRow> = {}): LedgerRow {
  const occurredAt = fields.occurredAt ?? Date.now();
  return {
    tenant: "acme",
    eventId: `0192f0c1-${randomUUID().slice(9)}`,
    capturedAt: occurredAt,
    occurredAt,
    kind: "llm_call",
    employee: "e-1",
    project: "p-1",
    process: null,
    execution: null,
    user: null,
    provider: "openai",
    model: "gpt-5",
    name: null,
    inputTokens: 1000,
    outputTokens: 200,
    cacheReadTokens: 100,
    cacheWriteTokens: 0,
    reasoningTokens: 50,
    costNanoUsd: 123_456n,
    costStatus: "priced",
    priceBook: "prices@1",
    unpriced: 0,
    inferenceMicros: 1_234_567,
    queueMicros: null,
    isSuccess: true,
    errorType: null,
    usageSource: "provider",
    attempts: 1,
    corrects: null,
    responseModel: null,
    serviceTier: null,
    ...fields,
  };
}

/** That many of them, of a few tenants, projects and employees. */
export function usageRows(count: number, fields: Partial<LedgerRow> = {}): LedgerRow[] {
  return Array.from({ length: count }, (_, index) =>
    usageRow({
      tenant: `tenant-${index % 7}`,
      project: `p-${index % 3}`,
      employee: index % 5 === 0 ? null : `e-${index % 5}`,
      ...fields,
    }),
  );
}
