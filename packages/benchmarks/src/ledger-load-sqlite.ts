import { DatabaseSync } from "node:sqlite";
import { sqliteStore } from "@meterbridge/ledger";
import {
  historyColumns,
  historyRollups,
  historySelect,
  type HistoryDialect,
  rollupInsert,
  tenantSlots,
} from "./ledger-history.ts";
import { checkHistory } from "./ledger-load-check.ts";

export interface LoadSqliteInput {
  readonly file: string;
  readonly events: number;
}

/** The same as `loadPostgresql`, for a file. */
export async function loadSqlite({ file, events }: LoadSqliteInput): Promise<void> {
  const store = sqliteStore({ file });
  await store.open();
  const database = new DatabaseSync(file);
  database.exec("pragma synchronous = off; pragma cache_size = -2000000; pragma temp_store = file");
  database.exec("create temporary table slots (slot integer primary key, tenant text)");
  const insertSlot = database.prepare("insert into slots values (?, ?)");
  for (const slot of tenantSlots) insertSlot.run(...slot);
  const numbers = `with recursive numbers(i) as (select 1 union all select i + 1 from numbers where i < ${events}), drawn as`;
  database.exec(`begin; insert into usage_events (${historyColumns.join(", ")}, recorded_at)
    select *, unixepoch() * 1000 from (${historySelect(events, "slots", dialect).replace("with drawn as", numbers)});`);
  for (const rollup of historyRollups) {
    database.exec(rollupInsert(rollup, { prefix: "", bucket, now: "unixepoch() * 1000" }));
  }
  database.exec("commit; analyze; pragma wal_checkpoint(truncate)");
  database.close();
  await checkHistory(store, events);
  await store.close();
}

const dialect: HistoryDialect = {
  hex: (expression, width) => `printf('%0${width}x', ${expression})`,
  time: (expression) => expression,
};

function bucket(seconds: number): string {
  return `occurred_at / ${seconds * 1000} * ${seconds * 1000}`;
}
