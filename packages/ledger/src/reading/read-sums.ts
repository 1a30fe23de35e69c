import type { SumsQuery, SumsRow } from "../ledger-store.ts";
import type { Piece, ReadDialect, SqlRecord } from "./read-dialect.ts";
import { checkedDimensions, isStorable, matching, wantedOf } from "./read-filter.ts";
import { readPlan, type TableRanges } from "./read-plan.ts";
import { distinctTenants } from "./read-tenants.ts";
import { addTotals, answeredSumsOf, sumsOf, type Totals, usageSums } from "./read-values.ts";
import type { Dimension } from "../rollups.ts";

/** Adds up rollups, each part of a period from the coarsest table that has it. */
export async function readSums(dialect: ReadDialect, query: SumsQuery): Promise<readonly SumsRow[]> {
  const groupBy = checkedDimensions(query.groupBy ?? []);
  const wanted = wantedOf(query.filter);
  const plan = readPlan(query.boundaries, new Set([...groupBy, ...wanted.keys()]));
  if (![...wanted.values()].every(isStorable)) return [];

  const found = new Map<string, { period: number; group: SumsRow["group"]; totals: Totals }>();
  for (const part of plan) {
    for (const record of await dialect.run(statementOf(dialect, part, groupBy, wanted))) {
      const period = Number(record["period"]);
      const group = groupOf(record, groupBy);
      const key = JSON.stringify([period, ...groupBy.map((name) => group[name])]);
      found.set(key, { period, group, totals: addTotals(found.get(key)?.totals, record) });
    }
  }
  return Array.from(found.values(), ({ period, group, totals }) => ({ period, group, sums: usageSums(totals) }));
}

/** The values of these dimensions in a record of a rollup table, where the empty text means "not known". */
export function groupOf(record: SqlRecord, names: readonly Dimension[]): SumsRow["group"] {
  return Object.fromEntries(names.map((name) => [name, record[name] === "" ? null : (record[name] as string)]));
}

/**
 * One statement for a table: a walk along the primary key (tenant, bucket_at, …) for each tenant and range. Left to themselves
 * both databases read all of the tenant, or of the table, for each range. SQLite keeps the order of a CROSS JOIN; PostgreSQL does
 * not, and is held to it by adding up inside each range.
 */
function statementOf(
  dialect: ReadDialect,
  { rollup, ranges }: TableRanges,
  groupBy: readonly Dimension[],
  wanted: ReadonlyMap<Dimension, string>,
): Piece {
  const { sql, column, moment } = dialect;
  const list = dialect.list(
    ranges.map(({ period, low, high }) => [period, low, high]),
    { period: "bigint", low: "bigint", high: "bigint" },
  );
  const low = moment(sql.raw("low"));
  const high = moment(sql.raw("high"));
  const tenant = wanted.get("tenant");
  const tenants =
    tenant === undefined ? distinctTenants(dialect, "usage_totals") : sql`SELECT CAST(${tenant} AS text) AS tenant`;
  const kept = sql`${dialect.table(rollup.table)} AS kept`;
  const within = sql`WHERE kept.tenant = tenants.tenant AND kept.bucket_at >= ranges.low AND kept.bucket_at < ranges.high
    ${matching(dialect, "kept", wanted)}`;
  const groupsOf = (table: string): Piece[] => groupBy.map((name) => column(table, name));
  const inRange = sql.join([
    sql.raw("kept.tenant"),
    ...groupsOf("kept").filter((_, index) => groupBy[index] !== "tenant"),
  ]);
  const source =
    dialect.name === "sqlite"
      ? sql`${kept} ${within}`
      : sql`LATERAL (SELECT ${inRange}, ${sumsOf(dialect, "kept")} FROM ${kept} ${within} GROUP BY ${inRange}) AS part`;
  const summed = dialect.name === "sqlite" ? "kept" : "part";
  const groups = sql.join([sql.raw("ranges.period"), ...groupsOf(summed)]);
  return sql`WITH tenants AS MATERIALIZED (${tenants}),
    ranges AS MATERIALIZED (SELECT period, ${low} AS low, ${high} AS high FROM (${list}) AS list)
    SELECT ${groups}, ${answeredSumsOf(dialect, summed)} FROM tenants CROSS JOIN ranges CROSS JOIN ${source} GROUP BY ${groups}`;
}
