import type { LedgerRow } from "./ledger-row.ts";

export interface LedgerColumn {
  readonly field: keyof LedgerRow;
  /** Its name in `usage_events`. */
  readonly column: string;
  /** How a database keeps it: `time` is Unix milliseconds here and whatever means the same there. */
  readonly type: "text" | "integer" | "time" | "boolean";
  readonly nullable: boolean;
}

/**
 * The columns of `usage_events`. A store adds `recorded_at`, the moment of writing. The key is the first two. New ones come at the end and are
 * nullable: a spool keeps rows by this order, and a row of before has fewer values.
 */
export const ledgerColumns: readonly LedgerColumn[] = [
  { field: "tenant", column: "tenant", type: "text", nullable: false },
  { field: "eventId", column: "event_id", type: "text", nullable: false },
  { field: "capturedAt", column: "captured_at", type: "time", nullable: false },
  { field: "occurredAt", column: "occurred_at", type: "time", nullable: false },
  { field: "kind", column: "kind", type: "text", nullable: false },
  { field: "employee", column: "employee", type: "text", nullable: true },
  { field: "project", column: "project", type: "text", nullable: true },
  { field: "process", column: "process", type: "text", nullable: true },
  { field: "execution", column: "execution", type: "text", nullable: true },
  { field: "user", column: "user_id", type: "text", nullable: true },
  { field: "provider", column: "provider", type: "text", nullable: true },
  { field: "model", column: "model", type: "text", nullable: true },
  { field: "name", column: "name", type: "text", nullable: true },
  { field: "inputTokens", column: "input_tokens", type: "integer", nullable: true },
  { field: "outputTokens", column: "output_tokens", type: "integer", nullable: true },
  { field: "cacheReadTokens", column: "cache_read_tokens", type: "integer", nullable: true },
  { field: "cacheWriteTokens", column: "cache_write_tokens", type: "integer", nullable: true },
  { field: "reasoningTokens", column: "reasoning_tokens", type: "integer", nullable: true },
  { field: "costNanoUsd", column: "cost_nano_usd", type: "integer", nullable: true },
  { field: "costStatus", column: "cost_status", type: "text", nullable: false },
  { field: "priceBook", column: "price_book", type: "text", nullable: true },
  { field: "unpriced", column: "unpriced", type: "integer", nullable: false },
  { field: "inferenceMicros", column: "inference_micros", type: "integer", nullable: true },
  { field: "queueMicros", column: "queue_micros", type: "integer", nullable: true },
  { field: "isSuccess", column: "is_success", type: "boolean", nullable: false },
  { field: "errorType", column: "error_type", type: "text", nullable: true },
  { field: "usageSource", column: "usage_source", type: "text", nullable: false },
  { field: "attempts", column: "attempts", type: "integer", nullable: false },
  { field: "corrects", column: "corrects", type: "text", nullable: true },
  { field: "responseModel", column: "response_model", type: "text", nullable: true },
  { field: "serviceTier", column: "service_tier", type: "text", nullable: true },
];

/** How many of them the first rows in spools had. */
export const fewestColumns = 29;

/** The row's values in the order of the columns, fit for JSON and for any database: money as a number, which is exact here. */
export function valuesOf(row: LedgerRow): (string | number | boolean | null)[] {
  return ledgerColumns.map(({ field }) => {
    const value = row[field] ?? null;
    return typeof value === "bigint" ? Number(value) : value;
  });
}

/** The other way round, from a database's record, whose times are Unix milliseconds and whose integers may be bigints or texts. */
export function rowOf(record: Readonly<Record<string, unknown>>): LedgerRow {
  const row: Record<string, unknown> = {};
  for (const { field, column, type } of ledgerColumns) {
    const value = record[column] ?? null;
    if (field === "costNanoUsd") row[field] = value === null ? null : BigInt(value as string);
    else if (value === null || type === "text") row[field] = value;
    else row[field] = type === "boolean" ? Boolean(value) : Number(value);
  }
  return row as unknown as LedgerRow;
}
