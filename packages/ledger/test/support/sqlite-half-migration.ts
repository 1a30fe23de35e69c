// Upgrades a database, and is killed half-way through.
import { openDatabase } from "../../src/sqlite/sqlite-open.ts";
import { sqliteMigrations } from "../../src/sqlite/sqlite-schema.ts";

const [, , file = ""] = process.argv;
openDatabase({ file, busyTimeoutMillis: 5000, applicationDirectories: [] }, [
  ...sqliteMigrations,
  (connection) => {
    connection.execute("alter table usage_events add column half integer; delete from usage_events");
    process.kill(process.pid, "SIGKILL");
  },
]);
