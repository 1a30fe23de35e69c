import { connect, type SqliteConnection } from "./sqlite-driver.ts";
import { sqliteCode, storeError } from "./sqlite-error.ts";
import { createDatabaseFile } from "./sqlite-file.ts";
import type { SqliteSettings } from "./sqlite-options.ts";
import { applicationId, type SqliteMigration, sqliteMigrations } from "./sqlite-schema.ts";
import { inTransaction } from "./sqlite-transaction.ts";

/**
 * Opens the database, creating or upgrading it. Throws, before anything is changed, where it is of a newer version or not
 * ours. Safe from several processes at once, and after a kill at any point.
 */
export function openDatabase(
  settings: SqliteSettings,
  migrations: readonly SqliteMigration[] = sqliteMigrations,
): SqliteConnection {
  const { file, busyTimeoutMillis } = settings;
  createDatabaseFile(file);
  const connection = connect(file, settings.applicationDirectories);
  try {
    connection.execute(`pragma busy_timeout = ${busyTimeoutMillis}`);
    checkOwner(connection, file, migrations.length);
    useWriteAheadLog(connection, busyTimeoutMillis);
    // Each commit reaches the disk before it is acknowledged.
    connection.execute("pragma synchronous = full");
    // Pages go from the log into the database every 16 MB, since the ends of the indexes are written again and again; what
    // a long reader made the log grow beyond that is given back.
    connection.execute(
      "pragma wal_autocheckpoint = 4000; pragma journal_size_limit = 16777216; pragma cache_size = -16384",
    );
    while (migrateOnce(connection, file, migrations));
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

function checkOwner(connection: SqliteConnection, file: string, known: number): void {
  // One look: another process may be creating the tables just now.
  connection.execute("begin");
  const owner = Number(connection.prepareQuery("pragma application_id")([])[0]?.["application_id"]);
  const version = schemaVersion(connection);
  const [found] = connection.prepareQuery("select count(*) as tables from sqlite_schema")([]);
  connection.execute("commit");
  if (owner === applicationId) return checkVersion(file, version, known);
  if (owner === 0 && version === 0 && Number(found?.["tables"]) === 0) return;
  const happened = `this database belongs to something else (application id ${owner}, ${String(found?.["tables"])} tables and indexes)`;
  throw storeError("refused", file, happened, "name another file; it has not been touched");
}

function checkVersion(file: string, version: number, known: number): void {
  if (version <= known) return;
  const happened = `its tables are of version ${version}, and this @meterbridge/ledger knows versions up to ${known}`;
  throw storeError("refused", file, happened, "upgrade @meterbridge/ledger, or name another file");
}

/** Whether there was a step to take. Each is one transaction, so that a kill leaves the version before it. */
function migrateOnce(connection: SqliteConnection, file: string, migrations: readonly SqliteMigration[]): boolean {
  if (schemaVersion(connection) === migrations.length) return false;
  return inTransaction(connection, () => {
    // Another process may have been faster, and may know more.
    const version = schemaVersion(connection);
    checkVersion(file, version, migrations.length);
    const migration = migrations[version];
    if (migration === undefined) return false;
    migration(connection);
    connection.execute(`pragma application_id = ${applicationId}; pragma user_version = ${version + 1}`);
    return true;
  });
}

/** SQLite does not wait for other connections here, whatever the timeout. */
function useWriteAheadLog(connection: SqliteConnection, timeoutMillis: number): void {
  const deadline = Date.now() + timeoutMillis;
  for (;;) {
    try {
      connection.execute("pragma journal_mode = wal");
      return;
    } catch (error) {
      if (sqliteCode(error) !== "BUSY" || Date.now() >= deadline) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

/** The version of the database's tables. */
function schemaVersion(connection: SqliteConnection): number {
  return Number(connection.prepareQuery("pragma user_version")([])[0]?.["user_version"]);
}
