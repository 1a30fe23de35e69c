import { setImmediate as turn } from "node:timers/promises";
import type { AppendResult, LedgerStore } from "../ledger-store.ts";
import { createAppend } from "./sqlite-append.ts";
import { decodeBatch, type SqliteBatch } from "./sqlite-batch.ts";
import type { SqliteCalls } from "./sqlite-calls.ts";
import type { SqliteConnection, SqliteValue } from "./sqlite-driver.ts";
import { appendError, endsConnection, sqliteError } from "./sqlite-error.ts";
import { identityOf } from "./sqlite-file.ts";
import { openDatabase } from "./sqlite-open.ts";
import type { SqliteSettings } from "./sqlite-options.ts";
import { forgetRows, horizonOf } from "./sqlite-retention.ts";

interface OpenDatabase {
  readonly connection: SqliteConnection;
  readonly append: (batch: SqliteBatch) => AppendResult;
  readonly identity: string | undefined;
}

type Reader = Pick<LedgerStore, "sums" | "totals" | "tenants" | "rows" | "recount">;

/**
 * The worker thread's side: answers calls on one database. Every call opens the database where it is not open, so that after
 * a fault the next one finds out whether it is over. Errors are {@link sqliteError}s.
 */
export function createSession(settings: SqliteSettings): SqliteCalls {
  const { file } = settings;
  let opened: OpenDatabase | undefined;
  let reading: Promise<Reader> | undefined;

  function database(): OpenDatabase {
    // A file that was deleted or replaced would be written to unseen: SQLite keeps hold of the old one.
    if (opened !== undefined && opened.identity !== identityOf(file)) drop();
    if (opened === undefined) {
      const connection = openDatabase(settings);
      opened = { connection, append: createAppend(connection, file), identity: identityOf(file) };
    }
    return opened;
  }

  function drop(): void {
    const { connection } = opened ?? {};
    opened = undefined;
    try {
      connection?.close();
    } catch {
      // It is given up anyway.
    }
  }

  function failed(error: unknown, meaning = sqliteError): Error {
    if (endsConnection(error)) drop();
    return meaning(file, error);
  }

  function now<Result>(work: (opened: OpenDatabase) => Result, meaning = sqliteError): Result {
    try {
      return work(database());
    } catch (error) {
      throw failed(error, meaning);
    }
  }

  /** The reader's SQL builder takes longer to load than the database to open, so it waits for the first question. */
  async function ask<Result>(question: (reader: Reader) => Promise<Result>): Promise<Result> {
    try {
      reading ??= import("../reading/store-reader.ts").then(({ createStoreReader }) =>
        createStoreReader({ dialect: "sqlite", run }),
      );
      return await question(await reading);
    } catch (error) {
      throw failed(error);
    }
  }

  /** Each statement waits for its turn, so that appends come between those of a long recount. */
  async function run(sql: string, parameters: readonly unknown[]): Promise<readonly Record<string, unknown>[]> {
    await turn();
    return database().connection.prepareQuery(sql)(parameters.map(bindable));
  }

  return {
    open: () => now(() => undefined),
    append: (batch) => now(({ append }) => append(decodeBatch(batch)), appendError),
    sums: (query) => ask((reader) => reader.sums(query)),
    totals: (query) => ask((reader) => reader.totals(query)),
    tenants: () => ask((reader) => reader.tenants()),
    rows: (query) => ask((reader) => reader.rows(query)),
    recount: (query) => ask((reader) => reader.recount(query)),
    async retain(from) {
      try {
        await forgetRows(database().connection, from, turn);
      } catch (error) {
        throw failed(error);
      }
    },
    retainedFrom: () => now(({ connection }) => horizonOf(connection)),
    async close() {
      try {
        // The log goes into the database, so that one file is left; other processes may be in the way.
        opened?.connection.execute("pragma busy_timeout = 100; pragma wal_checkpoint(truncate)");
      } catch {
        // The log stays where it is and is as durable.
      }
      drop();
    },
  };
}

function bindable(value: unknown): SqliteValue {
  return typeof value === "boolean" ? Number(value) : (value as SqliteValue);
}
