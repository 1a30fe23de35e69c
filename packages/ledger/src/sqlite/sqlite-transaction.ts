import type { SqliteConnection } from "./sqlite-driver.ts";

/** Runs the work as the only writer, all of it or nothing. */
export function inTransaction<Result>(connection: SqliteConnection, work: () => Result): Result {
  connection.execute("begin immediate");
  try {
    const result = work();
    connection.execute("commit");
    return result;
  } catch (error) {
    try {
      connection.execute("rollback");
    } catch {
      // SQLite rolls back by itself on some errors, a full disk among them.
    }
    throw error;
  }
}
