import path from "node:path";
import * as v from "valibot";
import { checkOptions, wholeNumber } from "../check-options.ts";

export interface SqliteStoreOptions {
  /**
   * The database file, relative to the working directory at the time of the call. It is created readable by its owner alone,
   * a missing directory too. Keep it on a local disk: SQLite's locks do not hold on network file systems.
   */
  readonly file: string;

  /** How long to wait for other processes that write the same file, in milliseconds. Default 5000. */
  readonly busyTimeoutMillis?: number | undefined;
}

/** What the worker thread needs to know. */
export interface SqliteSettings {
  /** Absolute. */
  readonly file: string;
  readonly busyTimeoutMillis: number;
  /** Where the application's packages are looked for: `better-sqlite3` is one. */
  readonly applicationDirectories: readonly string[];
}

/** Fills in the defaults. Throws an `Error` of one line that names the option, what was found and what is allowed. */
export function resolveSqliteOptions(options: SqliteStoreOptions): SqliteSettings {
  const { file, busyTimeoutMillis } = checkOptions("[ledger] [sqlite]", optionsSchema, options);
  const mainScript = process.argv[1];
  return {
    file: path.resolve(file),
    busyTimeoutMillis,
    applicationDirectories: [...(mainScript === undefined ? [] : [path.dirname(mainScript)]), process.cwd()],
  };
}

const fileRule = "must be the path of a database file on disk";

const optionsSchema = v.strictObject({
  file: v.pipe(
    v.string(fileRule),
    // SQLite would take these for a database in memory, a temporary one, or a URI.
    v.regex(/^(?!:memory:|file:)[^\0]+$/, fileRule),
    v.check((file) => !/[/\\]$/.test(file), fileRule),
  ),
  busyTimeoutMillis: wholeNumber(0, 600_000, 5000),
});
