import type { TotalsQuery, TotalsRow } from "../ledger-store.ts";
import type { ReadDialect, SqlRecord } from "./read-dialect.ts";
import { isStorable } from "./read-filter.ts";
import { addTotals, answeredSumsOf, usageSums } from "./read-values.ts";

/** All-time totals by kind, one walk along the primary key of `usage_totals` for each tenant or employee. */
export async function readTotals(dialect: ReadDialect, query: TotalsQuery): Promise<readonly TotalsRow[]> {
  const { sql } = dialect;
  const ofEmployees = "employees" in query;
  const wanted = ofEmployees
    ? query.employees.map(({ tenant, employee }) => [tenant, employee])
    : query.tenants.map((tenant) => [tenant]);
  const items = wanted.filter((texts) => texts.every(isStorable));
  if (items.length === 0) return [];

  const list = dialect.list(items, ofEmployees ? { tenant: "text", employee: "text" } : { tenant: "text" });
  const groups = sql.raw(ofEmployees ? "kept.tenant, kept.employee, kept.kind" : "kept.tenant, kept.kind");
  const sameEmployee = sql.raw(ofEmployees ? " AND kept.employee = wanted.employee" : "");
  const records = await dialect.run(sql`WITH wanted AS MATERIALIZED (SELECT DISTINCT * FROM (${list}) AS list)
    SELECT ${groups}, ${answeredSumsOf(dialect, "kept")}
    FROM wanted CROSS JOIN ${dialect.table("usage_totals")} AS kept
    WHERE kept.tenant = wanted.tenant${sameEmployee}
    GROUP BY ${groups}`);
  return records.map((record) => totalsRowOf(record, ofEmployees));
}

function totalsRowOf(record: SqlRecord, ofEmployee: boolean): TotalsRow {
  return {
    tenant: record["tenant"] as string,
    employee: ofEmployee ? (record["employee"] as string) : null,
    kind: record["kind"] as TotalsRow["kind"],
    sums: usageSums(addTotals(undefined, record)),
  };
}
