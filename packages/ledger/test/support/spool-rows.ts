import type { LedgerRow } from "../../src/ledger-row.ts";
import type { Spool } from "../../src/spool.ts";
import { usageRow } from "./usage-rows.ts";

/** Rows with the numbers from `first` on: no two alike. */
export function numberedRows(first: number, count: number): LedgerRow[] {
  return Array.from({ length: count }, (_, index) => numberedRow(first + index));
}

export function numberedRow(number: number): LedgerRow {
  const fields = { user: `user-${number}`, inputTokens: number, costNanoUsd: BigInt(number) * 1_000_000_007n };
  return usageRow(number, 1_795_000_000_000 + number, fields);
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
