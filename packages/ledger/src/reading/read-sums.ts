import type { SumsQuery, SumsRow } from "../ledger-store.ts";
import type { ReadDialect, SqlRecord } from "./read-dialect.ts";
import { checkedDimensions, isStorable, wantedOf } from "./read-filter.ts";
import { type PlanPiece, readPlan } from "./read-plan.ts";
import { piecesStatement } from "./read-pieces.ts";
import { addTotals, type Totals, usageSums } from "./read-values.ts";
import type { Dimension } from "../rollups.ts";

/**
 * Adds up rollups, each part of a period from the coarsest table that has it. One statement reads them all, from one moment: an
 * event that came in between would be in the hours that are taken away, and not in the day that they are taken from.
 */
export async function readSums(dialect: ReadDialect, query: SumsQuery): Promise<readonly SumsRow[]> {
  const groupBy = checkedDimensions(query.groupBy ?? []);
  const wanted = wantedOf(query.filter);
  const plan = readPlan(query.boundaries, new Set([...groupBy, ...wanted.keys()]));
  if (![...wanted.values()].every(isStorable)) return [];

  const pieces: PlanPiece[] = plan.flatMap((part) => part.pieces);
  const found = new Map<string, { period: number; group: SumsRow["group"]; totals: Totals }>();
  for (const record of await dialect.run(piecesStatement(dialect, plan, groupBy, wanted))) {
    const group = groupOf(record, groupBy);
    for (const { period, sign } of pieces[Number(record["piece"])]?.effects ?? []) {
      const key = JSON.stringify([period, ...groupBy.map((name) => group[name])]);
      found.set(key, { period, group, totals: addTotals(found.get(key)?.totals, record, sign) });
    }
  }
  return Array.from(found.values())
    .filter(({ totals }) => totals.records !== 0n)
    .map(({ period, group, totals }) => ({ period, group, sums: usageSums(totals) }));
}

/** The values of these dimensions in a record of a rollup table, where the empty text means "not known". */
export function groupOf(record: SqlRecord, names: readonly Dimension[]): SumsRow["group"] {
  return Object.fromEntries(names.map((name) => [name, record[name] === "" ? null : (record[name] as string)]));
}
