import type { AppendResult, LedgerRow, LedgerStore, RowsQuery } from "@meterbridge/ledger";
import { foldSums, foldTotals } from "./memory-sums.ts";
import { refusal } from "./store-error.ts";

/** A {@link LedgerStore} whose rows can be looked at. */
export interface MemoryStore extends LedgerStore {
  /** Every row that was written, in that order, also those that retention has forgotten. */
  written(): readonly LedgerRow[];
}

/**
 * A ledger store in memory, for tests: it behaves like the real ones and forgets all at the end of the process. It keeps no
 * rollups but folds its rows anew for each query, so it is the yardstick for stores that do, and slow beyond some 100,000 rows.
 */
export function memoryStore(): MemoryStore {
  const kept = new Map<string, LedgerRow>();
  const written: LedgerRow[] = [];
  let horizon = -Infinity;
  let isClosed = false;
  const opened = Promise.withResolvers<void>();
  // Whoever waits is told; nobody needs to.
  opened.promise.catch(() => undefined);

  const ready = async (): Promise<void> => {
    if (isClosed) throw closedError();
    await opened.promise;
  };

  const write = (rows: readonly LedgerRow[]): AppendResult => {
    for (const row of rows) check(row);
    const before = written.length;
    let expired = 0;
    for (const row of rows) {
      const key = JSON.stringify([row.tenant, row.eventId]);
      if (row.capturedAt !== 0 && row.capturedAt < horizon) expired++;
      else if (!kept.has(key)) {
        kept.set(key, row);
        written.push(row);
      }
    }
    return { written: written.length - before, duplicates: rows.length - expired - (written.length - before), expired };
  };

  return {
    name: "memory",
    location: "this process",
    concurrency: 4,
    written: () => [...written],
    async open() {
      if (isClosed) throw closedError();
      opened.resolve();
    },
    async append(rows) {
      await ready();
      return write(rows);
    },
    appendSync(rows) {
      if (isClosed) throw closedError();
      return write(rows);
    },
    async sums(query) {
      await ready();
      return foldSums(written, query);
    },
    async totals(query) {
      await ready();
      return foldTotals(written, query);
    },
    async tenants() {
      await ready();
      return [...new Set(written.map(({ tenant }) => tenant))].toSorted(byCodePoint);
    },
    async rows(query) {
      await ready();
      return pageOf([...kept.values()], query);
    },
    async recount() {
      await ready();
      return [];
    },
    async retain(from) {
      await ready();
      horizon = Math.max(horizon, Date.UTC(from.getUTCFullYear(), from.getUTCMonth()));
      for (const [key, { capturedAt }] of kept) if (capturedAt !== 0 && capturedAt < horizon) kept.delete(key);
    },
    async retainedFrom() {
      await ready();
      return horizon === -Infinity ? undefined : new Date(horizon);
    },
    async close() {
      isClosed = true;
      opened.reject(closedError());
    },
  };
}

function pageOf(rows: LedgerRow[], query: RowsQuery): LedgerRow[] {
  const { tenant, filter = {}, errorsOnly = false, from = -Infinity, to = Infinity, order, after, limit } = query;
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw new Error(`[meterbridge] [ledger] [memory] a page of rows needs a limit of at least 1, found ${limit}`);
  }
  const sign = order === "oldest-first" ? 1 : -1;
  return rows
    .filter((row) => row.tenant === tenant && row.occurredAt >= from && row.occurredAt < to)
    .filter((row) => Object.entries(filter).every(([name, value]) => value === row[name as keyof typeof filter]))
    .filter((row) => !(errorsOnly && row.isSuccess) && (after === undefined || sign * byTime(row, after) > 0))
    .toSorted((a, b) => sign * byTime(a, b))
    .slice(0, limit);
}

function byTime(a: Pick<LedgerRow, "occurredAt" | "eventId">, b: Pick<LedgerRow, "occurredAt" | "eventId">): number {
  return a.occurredAt - b.occurredAt || byCodePoint(a.eventId, b.eventId);
}

/** As databases compare: the bytes of UTF-8. JavaScript's own order puts an emoji before U+FFFD. */
function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** What no database would take: keys that are missing, and anything but an integer where one belongs. */
function check(row: LedgerRow): void {
  const texts = [row.tenant, row.eventId, row.kind, row.costStatus, row.usageSource];
  const numbers = [row.capturedAt, row.occurredAt, row.unpriced, row.attempts];
  const perhaps = [row.inputTokens, row.outputTokens, row.cacheReadTokens, row.cacheWriteTokens, row.reasoningTokens];
  const isRight =
    texts.every((text) => typeof text === "string") &&
    [...numbers, ...perhaps, row.inferenceMicros, row.queueMicros].every(
      (value, index) => Number.isSafeInteger(value) || (value === null && index >= numbers.length),
    ) &&
    (row.costNanoUsd === null || typeof row.costNanoUsd === "bigint");
  if (!isRight) throw refusal("[meterbridge] [ledger] [memory] refused the rows: one of them is no row of a ledger");
}

function closedError(): Error {
  return refusal("[meterbridge] [ledger] [memory] the store is closed");
}
