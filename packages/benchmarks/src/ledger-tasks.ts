import { contend } from "./ledger-contention.ts";
import { writeDurably } from "./ledger-durable.ts";
import { insertEach, pushThroughRedis } from "./ledger-floors.ts";
import { loadPostgresql } from "./ledger-load-postgresql.ts";
import { loadSqlite } from "./ledger-load-sqlite.ts";
import { askQueries } from "./ledger-queries.ts";
import { writeAsApplication } from "./ledger-write.ts";

/** What is measured in a process of its own: each takes and gives what can be sent between processes. */
export interface LedgerTasks {
  readonly askQueries: typeof askQueries;
  readonly contend: typeof contend;
  readonly insertEach: typeof insertEach;
  readonly loadPostgresql: typeof loadPostgresql;
  readonly loadSqlite: typeof loadSqlite;
  readonly pushThroughRedis: typeof pushThroughRedis;
  readonly writeAsApplication: typeof writeAsApplication;
  readonly writeDurably: typeof writeDurably;
}

export const ledgerTasks: LedgerTasks = {
  askQueries,
  contend,
  insertEach,
  loadPostgresql,
  loadSqlite,
  pushThroughRedis,
  writeAsApplication,
  writeDurably,
};
