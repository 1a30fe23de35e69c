import type { LedgerStore } from "../ledger-store.ts";
import { encodeBatch } from "./sqlite-batch.ts";
import { resolveSqliteOptions, type SqliteStoreOptions } from "./sqlite-options.ts";
import { createSqliteThread } from "./sqlite-thread.ts";

export type { SqliteStoreOptions };

/**
 * Keeps the ledger in a SQLite database: one file, no server. All of SQLite happens in a worker thread, so that the
 * application's never waits for the disk. Rows are on the disk (WAL, `synchronous=FULL`) before an append resolves; several
 * processes may write the same file. Opens nothing until it is used, and does not hold the process open when idle.
 *
 * Throws where an option is wrong. The methods reject as {@link LedgerStore} says; a fault that is over is found to be over
 * by the next call.
 */
export function sqliteStore(options: SqliteStoreOptions): LedgerStore {
  const settings = resolveSqliteOptions(options);
  const thread = createSqliteThread(settings);
  return {
    name: "sqlite",
    location: settings.file,
    // One is written while the next is on its way.
    concurrency: 2,
    open: () => thread.ask("open", undefined),
    append: async (rows) => await thread.ask("append", encodeBatch(rows)),
    appendSync: (rows, timeoutMillis) => thread.appendAndWait(encodeBatch(rows), timeoutMillis),
    sums: (query) => thread.ask("sums", query),
    totals: (query) => thread.ask("totals", query),
    tenants: () => thread.ask("tenants", undefined),
    rows: (query) => thread.ask("rows", query),
    recount: (query) => thread.ask("recount", query),
    retain: async (from) => await thread.ask("retain", from.getTime()),
    async retainedFrom() {
      const horizon = await thread.ask("retainedFrom", undefined);
      return horizon === undefined ? undefined : new Date(horizon);
    },
    close: () => thread.close(),
  };
}
