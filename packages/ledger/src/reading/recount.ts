import { setImmediate } from "node:timers/promises";
import type { RecountQuery, RollupDifference } from "../ledger-store.ts";
import type { ReadDialect, SqlRecord } from "./read-dialect.ts";
import { isStorable } from "./read-filter.ts";
import { groupOf } from "./read-sums.ts";
import { distinctTenants } from "./read-tenants.ts";
import { integer } from "./read-values.ts";
import { dayStatement, isLong, longStatement, nextStatement } from "./recount-statement.ts";
import { type Rollup, rollups, sums } from "../rollups.ts";

/** Adds rows up anew, a tenant's UTC day at a time, and tells each bucket whose rollup says something else. */
export async function recount(dialect: ReadDialect, query: RecountQuery): Promise<readonly RollupDifference[]> {
  for (const name of ["from", "to"] as const) {
    if (!Number.isSafeInteger(query[name]) || query[name] % dayMillis !== 0) {
      const found = `option "${name}" must be the start of a UTC day in Unix milliseconds, found ${query[name]}`;
      throw new Error(`[meterbridge] [ledger] [recount] ${found}`);
    }
  }
  if (query.tenant !== undefined && !isStorable(query.tenant)) return [];
  const tenants = query.tenant === undefined ? await tenantsAnywhere(dialect) : [query.tenant];
  const differences: RollupDifference[] = [];
  for (const tenant of tenants) {
    for await (const found of differencesOf(dialect, { ...query, tenant })) differences.push(found);
  }
  return differences;
}

async function* differencesOf(
  dialect: ReadDialect,
  { tenant, from, to }: Required<RecountQuery>,
): AsyncGenerator<RollupDifference> {
  let day = from;
  while (day < to) {
    const [next] = await dialect.run(nextStatement(dialect, { tenant, from: day, to }));
    const moment = next?.["moment"] ?? null;
    if (moment === null) break;
    day = Math.floor(Number(moment) / dayMillis) * dayMillis;
    for (const rollup of rollups) {
      if (isLong(rollup.seconds)) continue;
      const records = await dialect.run(dayStatement(dialect, rollup, { tenant, from: day, to: day + dayMillis }));
      for (const record of records) yield differenceOf(record, rollup, tenant);
      // Whoever else waits for this thread, or for the store, gets a turn.
      await setImmediate();
    }
    day += dayMillis;
  }
  for (const rollup of rollups) {
    if (!isLong(rollup.seconds)) continue;
    const size = (rollup.seconds ?? 0) * 1000;
    const whole = size === 0 ? { from, to } : { from: from - (from % size), to: Math.ceil(to / size) * size };
    const records = await dialect.run(longStatement(dialect, rollup, { tenant, ...whole }));
    for (const record of records) yield differenceOf(record, rollup, tenant);
    await setImmediate();
  }
}

/** A tenant that one of the tables has lost would be missed if another were not asked. */
async function tenantsAnywhere(dialect: ReadDialect): Promise<string[]> {
  const { sql } = dialect;
  const tables = ["usage_events", ...rollups.map(({ table }) => table)];
  const selects = tables.map(
    (table) => sql`SELECT tenant FROM (${distinctTenants(dialect, table)}) AS ${sql.id(`of_${table}`)}`,
  );
  const records = await dialect.run(sql`${sql.join(selects, sql.raw(" UNION "))} ORDER BY tenant`);
  return records.map((record) => record["tenant"] as string);
}

function differenceOf(record: SqlRecord, rollup: Rollup, tenant: string): RollupDifference {
  const columns: Record<string, { rows: bigint; rollup: bigint }> = {};
  for (const name of sums) {
    const [rows, kept] = [integer(record[`rows_${name}`]), integer(record[`rollup_${name}`])];
    if (rows !== kept) columns[name] = { rows, rollup: kept };
  }
  const others = rollup.dimensions.filter((name) => name !== "tenant");
  const bucketAt = rollup.seconds === null ? null : Number(record["bucket_at"]);
  return { table: rollup.table, tenant, bucketAt, group: groupOf(record, others), columns };
}

const dayMillis = 86_400_000;
