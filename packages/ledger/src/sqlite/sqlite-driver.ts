import { createRequire } from "node:module";
import path from "node:path";

export type SqliteValue = string | number | bigint | null;

/** One connection, whichever library it goes through. */
export interface SqliteConnection {
  /** Runs statements without parameters. */
  execute(script: string): void;
  /** Prepares a statement that changes rows; calling it tells how many. */
  prepareChange(sql: string): (values: readonly SqliteValue[]) => number;
  /** Prepares a statement that reads. Integers come as bigints, so that none loses digits. */
  prepareQuery(sql: string): (values: readonly SqliteValue[]) => Record<string, unknown>[];
  close(): void;
}

/**
 * Opens the file through Node.js's own SQLite. Where that would print a warning (before Node.js 24.15), `better-sqlite3` is
 * taken instead if one of the directories, or this package, can resolve it.
 */
export function connect(file: string, applicationDirectories: readonly string[]): SqliteConnection {
  const Database = warnsAboutSqlite(process.versions.node) ? findBetterSqlite(applicationDirectories) : undefined;
  return Database === undefined ? connectWithNode(file) : connectWithBetterSqlite(new Database(file));
}

/** Whether `node:sqlite` is still experimental in this version of Node.js, and says so on stderr. */
export function warnsAboutSqlite(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major < 24 || (major === 24 && minor < 15) || (major === 25 && minor < 7);
}

function connectWithNode(file: string): SqliteConnection {
  // Not by an import, which would warn where better-sqlite3 is taken.
  const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
  const database = new DatabaseSync(file);
  return {
    execute: (script) => database.exec(script),
    prepareChange(sql) {
      const statement = database.prepare(sql);
      return (values) => Number(statement.run(...values).changes);
    },
    prepareQuery(sql) {
      const statement = database.prepare(sql);
      statement.setReadBigInts(true);
      return (values) => statement.all(...values);
    },
    close: () => database.close(),
  };
}

function connectWithBetterSqlite(database: BetterSqliteDatabase): SqliteConnection {
  return {
    execute: (script) => void database.exec(script),
    prepareChange(sql) {
      const statement = database.prepare(sql);
      return (values) => statement.run(...values).changes;
    },
    prepareQuery(sql) {
      const statement = database.prepare(sql).safeIntegers(true);
      return (values) => statement.all(...values);
    },
    close: () => void database.close(),
  };
}

function findBetterSqlite(directories: readonly string[]): (new (file: string) => BetterSqliteDatabase) | undefined {
  for (const from of [...directories.map((directory) => path.join(directory, "package.json")), import.meta.url]) {
    try {
      const require = createRequire(from);
      return require("better-sqlite3");
    } catch {
      // Not installed there, or not built for this machine.
    }
  }
  return undefined;
}

/** What we use of better-sqlite3, which brings no types. */
interface BetterSqliteDatabase {
  exec(script: string): unknown;
  prepare(sql: string): BetterSqliteStatement;
  close(): unknown;
}

interface BetterSqliteStatement {
  run(...values: readonly SqliteValue[]): { readonly changes: number };
  all(...values: readonly SqliteValue[]): Record<string, unknown>[];
  safeIntegers(on: boolean): BetterSqliteStatement;
}
