import type { AuditDifference } from "./audit.ts";
import type { RollupDifference } from "../ledger-store.ts";

/** A difference for each column. */
export function rollupDifferences(found: readonly RollupDifference[]): AuditDifference[] {
  return found.flatMap(({ table, tenant, bucketAt, group, columns }) => {
    const time = bucketAt === null ? "" : ` at ${new Date(bucketAt).toISOString()}`;
    const names = Object.entries(group).filter(([name]) => name !== "tenant");
    const rest = names
      .map(([name, value]) => `, ${name} ${value === null ? "not known" : JSON.stringify(value)}`)
      .join("");
    return Object.entries(columns).map(([column, { rows, rollup }]) => ({
      what:
        `${table} of tenant ${JSON.stringify(tenant)}${time}${rest}: ` +
        `${column} is ${rollup} in the rollup, and its rows add up to ${rows}`,
      between: "rows and rollup",
      tenant,
      ledger: rows,
      found: rollup,
    }));
  });
}
