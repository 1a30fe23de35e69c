import path from "node:path";
import * as v from "valibot";

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
  const result = v.safeParse(schema, options);
  if (!result.success) {
    const [issue] = result.issues;
    const key = issue.path?.[0]?.key;
    const what = key === undefined ? "options" : `option ${JSON.stringify(key)}`;
    throw new Error(`[meterbridge] [ledger] [sqlite] ${what} ${issue.message}, found ${show(issue.input)}`);
  }
  const { file, busyTimeoutMillis } = result.output;
  const mainScript = process.argv[1];
  return {
    file: path.resolve(file),
    busyTimeoutMillis,
    applicationDirectories: [...(mainScript === undefined ? [] : [path.dirname(mainScript)]), process.cwd()],
  };
}

const fileRule = "must be the path of a database file on disk";
const timeoutRule = "must be an integer from 0 to 600000";

const entries = {
  file: v.pipe(
    v.string(fileRule),
    // SQLite would take these for a database in memory, a temporary one, or a URI.
    v.regex(/^(?!:memory:|file:)[^\0]+$/, fileRule),
    v.check((file) => !/[/\\]$/.test(file), fileRule),
  ),
  busyTimeoutMillis: v.optional(
    v.pipe(v.number(timeoutRule), v.integer(timeoutRule), v.minValue(0, timeoutRule), v.maxValue(600_000, timeoutRule)),
    5000,
  ),
};
const schema = v.strictObject(entries, (issue) => {
  if (issue.expected === "never") return `is unknown, the options are ${Object.keys(entries).join(", ")}`;
  return issue.path === undefined ? "must be an object" : fileRule;
});

function show(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return typeof value;
  }
}
