import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { onTestFinished } from "vitest";
import type { LedgerStore } from "../../src/ledger-store.ts";
import { sqliteStore, type SqliteStoreOptions } from "../../src/sqlite/sqlite-store.ts";

/** A directory that is gone after the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(path.join(tmpdir(), "meterbridge-sqlite-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A path in such a directory, without a file. */
export function databaseFile(): string {
  return path.join(temporaryDirectory(), "ledger.db");
}

/** A store that is closed after the test, before its directory goes. */
export function openStore(options: SqliteStoreOptions): LedgerStore {
  const store = sqliteStore(options);
  onTestFinished(() => store.close());
  return store;
}
