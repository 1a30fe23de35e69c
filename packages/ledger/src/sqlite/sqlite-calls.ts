import type { LedgerErrorReason } from "../ledger-error.ts";
import type { AppendResult, LedgerStore } from "../ledger-store.ts";

/** What the application's thread asks of the worker thread. */
export interface SqliteCalls extends Pick<LedgerStore, "sums" | "totals" | "tenants" | "rows" | "recount"> {
  open(): void;
  /** Of `encodeBatch`. */
  append(batch: string): AppendResult;
  retain(from: number): Promise<void>;
  retainedFrom(): number | undefined;
  close(): Promise<void>;
}

export interface SqliteRequest<Method extends keyof SqliteCalls = keyof SqliteCalls> {
  readonly id: number;
  readonly method: Method;
  readonly argument: Parameters<SqliteCalls[Method]>[0];
  /** Where somebody waits with its thread stopped: then the answer goes here, and no reply is sent. */
  readonly answer?: Int32Array;
}

export interface SqliteReply {
  readonly id: number;
  readonly value?: unknown;
  readonly failure?: { readonly reason: LedgerErrorReason; readonly message: string };
}

/** The places of an answer that is waited for, and what its state may be. */
export const answerPlaces = { state: 0, written: 1, duplicates: 2, expired: 3 } as const;
export const answerStates = { pending: 0, durable: 1, failed: 2 } as const;
