import type { LedgerRow } from "../../src/ledger-row.ts";
import type { Spool } from "../../src/spool/spool.ts";

/** Rows with the numbers from `first` on: no two alike. */
export function numberedRows(first: number, count: number): LedgerRow[] {
  return Array.from({ length: count }, (_, index) => numberedRow(first + index));
}

export function numberedRow(number: number): LedgerRow {
  const at = 1_795_000_000_000 + number;
  const time = at.toString(16).padStart(12, "0");
  return {
    tenant: "acme",
    eventId: `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${number.toString(16).padStart(12, "0")}`,
    capturedAt: at,
    occurredAt: at,
    kind: "llm_call",
    employee: "ada",
    project: "search",
    process: null,
    execution: null,
    user: `user-${number}`,
    provider: "openai",
    model: "gpt-5",
    name: null,
    inputTokens: number,
    outputTokens: 100,
    cacheReadTokens: null,
    cacheWriteTokens: null,
    reasoningTokens: null,
    costNanoUsd: BigInt(number) * 1_000_000_007n,
    costStatus: "priced",
    priceBook: "genai-prices@0.1.8",
    unpriced: 0,
    inferenceMicros: 800_000,
    queueMicros: null,
    isSuccess: number % 2 === 0,
    errorType: number % 2 === 0 ? null : "timeout",
    usageSource: "provider",
    attempts: 1,
    corrects: null,
    responseModel: null,
    serviceTier: null,
  };
}

export function numberOf({ inputTokens }: LedgerRow): number {
  return inputTokens ?? -1;
}

/** Takes out all that waits. */
export async function drain(spool: Spool): Promise<LedgerRow[]> {
  const rows: LedgerRow[] = [];
  for (;;) {
    const batch = await spool.next();
    if (batch === undefined) return rows;
    rows.push(...batch.rows);
    await batch.done();
  }
}

/** Appends ten rows at a time, tells of those that were accepted, and gives the refusal. */
export async function appendUntilRefused(spool: Spool, accepted: (rows: LedgerRow[]) => void): Promise<Error> {
  for (let first = 0; ; first += 10) {
    const rows = numberedRows(first, 10);
    try {
      await spool.append(rows);
    } catch (error) {
      return error as Error;
    }
    accepted(rows);
  }
}
