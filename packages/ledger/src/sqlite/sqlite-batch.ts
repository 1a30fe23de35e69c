import { ledgerColumns } from "../ledger-columns.ts";
import type { LedgerRow } from "../ledger-row.ts";

/** The values of rows, one row after the other, each in the order of the columns. */
export type SqliteBatch = readonly (string | number | null)[];

/** How many values a row takes in a batch. */
export const batchWidth: number = ledgerColumns.length;

/**
 * The rows as one text, the cheapest thing to hand to another thread. This is what an append costs the application's thread,
 * so the fields are written out in the order of the columns, which takes half as long as looking each up; a test holds the
 * two against each other.
 */
export function encodeBatch(rows: readonly LedgerRow[]): string {
  const values: (string | number | null)[] = [];
  for (const row of rows) {
    values.push(
      row.tenant,
      row.eventId,
      row.capturedAt,
      row.occurredAt,
      row.kind,
      row.employee,
      row.project,
      row.process,
      row.execution,
      row.user,
      row.provider,
      row.model,
      row.name,
      row.inputTokens,
      row.outputTokens,
      row.cacheReadTokens,
      row.cacheWriteTokens,
      row.reasoningTokens,
      row.costNanoUsd === null ? null : Number(row.costNanoUsd),
      row.costStatus,
      row.priceBook,
      row.unpriced,
      row.inferenceMicros,
      row.queueMicros,
      row.isSuccess ? 1 : 0,
      row.errorType,
      row.usageSource,
      row.attempts,
      row.corrects,
      row.responseModel,
      row.serviceTier,
    );
  }
  return JSON.stringify(values);
}

export function decodeBatch(text: string): SqliteBatch {
  return JSON.parse(text) as SqliteBatch;
}
