import { postgresqlStore } from "@meterbridge/ledger/postgresql";
import pg from "pg";
import {
  historyColumns,
  historyRollups,
  historySelect,
  type HistoryDialect,
  rollupInsert,
  tenantSlots,
} from "./ledger-history.ts";
import { checkHistory } from "./ledger-load-check.ts";

export interface LoadPostgresqlInput {
  readonly databaseUrl: string;
  readonly events: number;
}

/** Fills a database with {@link historySelect}, by its own SQL and not through the ledger, and checks what came of it. */
export async function loadPostgresql({ databaseUrl, events }: LoadPostgresqlInput): Promise<void> {
  const store = postgresqlStore({ url: databaseUrl });
  await store.open();
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query("set work_mem = '512MB'");
  await client.query("set maintenance_work_mem = '1GB'");
  // Loading may lose its last second in a crash; the load would be repeated.
  await client.query("set synchronous_commit = off");
  await client.query("create temporary table slots (slot bigint primary key, tenant text)");
  await client.query("insert into slots select * from json_to_recordset($1) as s(slot bigint, tenant text)", [
    JSON.stringify(tenantSlots.map(([slot, tenant]) => ({ slot, tenant }))),
  ]);
  const select = historySelect(events, "slots", dialect);
  await client.query(`insert into meterbridge.usage_events (${historyColumns.join(", ")})
    select * from (${select.replace("with drawn as", `with numbers as (select i from generate_series(1::bigint, ${events}) i), drawn as`)}) made`);
  for (const rollup of historyRollups) {
    await client.query(rollupInsert(rollup, { prefix: "meterbridge.", bucket, now: "now()" }));
  }
  await client.query("vacuum analyze");
  await client.query("checkpoint");
  await client.end();
  await checkHistory(store, events);
  await store.close();
}

const dialect: HistoryDialect = {
  hex: (expression, width) => `lpad(to_hex(${expression}), ${width}, '0')`,
  time: (expression) => `to_timestamp((${expression}) / 1000.0)`,
};

function bucket(seconds: number): string {
  return `date_bin('${seconds} seconds', occurred_at, 'epoch')`;
}
