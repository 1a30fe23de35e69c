import type { Piece, ReadDialect } from "./read-dialect.ts";

/**
 * Selects every tenant of a table, in a column `tenant`. SQLite would read the whole index for DISTINCT, so there each tenant is
 * looked up from the one before. PostgreSQL distributed by tenant (Citus) knows DISTINCT and no recursion.
 */
export function distinctTenants({ name, sql, table }: ReadDialect, source: string): Piece {
  const from = table(source);
  if (name === "postgresql") return sql`SELECT DISTINCT tenant FROM ${from}`;
  return sql`SELECT tenant FROM (
    WITH RECURSIVE walk(tenant) AS (
      SELECT min(tenant) FROM ${from}
      UNION ALL
      SELECT (SELECT min(tenant) FROM ${from} AS source WHERE source.tenant > walk.tenant) FROM walk WHERE tenant IS NOT NULL
    )
    SELECT tenant FROM walk WHERE tenant IS NOT NULL
  ) AS walked`;
}

/** Every row adds to the totals in the transaction that writes it, and they outlive it: whoever has rows or rollups is there. */
export async function readTenants(dialect: ReadDialect): Promise<readonly string[]> {
  const { sql } = dialect;
  const tenants = distinctTenants(dialect, "usage_totals");
  const records = await dialect.run(sql`SELECT tenant FROM (${tenants}) AS tenants ORDER BY tenant`);
  return records.map((record) => record["tenant"] as string);
}
