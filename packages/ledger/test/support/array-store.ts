import type { LedgerRow } from "../../src/ledger-row.ts";
import type { LedgerStore, RowsQuery, SumsQuery, TotalsQuery, UsageSums } from "../../src/ledger-store.ts";
import { contributionOf } from "../../src/row-contribution.ts";
import { sums as columns } from "../../src/rollups.ts";

/** Rows in an array, added up anew for every question. */
export function arrayStore(): LedgerStore & { readonly all: LedgerRow[]; forgottenBefore: Date | undefined } {
  const all: LedgerRow[] = [];
  const keys = new Set<string>();
  return {
    all,
    forgottenBefore: undefined,
    name: "array",
    location: "array",
    concurrency: 1,
    open: async () => {},
    close: async () => {},
    retain: async () => {},
    async retainedFrom() {
      return this.forgottenBefore;
    },
    recount: async () => [],
    tenants: async () => [...new Set(all.map((row) => row.tenant))].toSorted(),
    async append(rows) {
      const fresh = rows.filter((row) => {
        const key = JSON.stringify([row.tenant, row.eventId]);
        return !keys.has(key) && keys.add(key);
      });
      all.push(...fresh);
      return { written: fresh.length, duplicates: rows.length - fresh.length, expired: 0 };
    },
    async sums({ boundaries, filter = {}, groupBy = [] }: SumsQuery) {
      const groups = new Map<string, LedgerRow[]>();
      for (const row of all) {
        const period = boundaries.findLastIndex((boundary) => boundary <= row.occurredAt);
        if (period === -1 || period === boundaries.length - 1) continue;
        if (Object.entries(filter).some(([name, value]) => row[name as "tenant"] !== value)) continue;
        const key = JSON.stringify([period, groupBy.map((name) => row[name])]);
        groups.set(key, [...(groups.get(key) ?? []), row]);
      }
      return [...groups].map(([key, rows]) => {
        const [period, values] = JSON.parse(key) as [number, (string | null)[]];
        return {
          period,
          group: Object.fromEntries(groupBy.map((name, index) => [name, values[index]])) as Record<string, string>,
          sums: sumOf(rows),
        };
      });
    },
    async totals(query: TotalsQuery) {
      if (!("tenants" in query)) throw new Error("not asked for in these tests");
      return query.tenants.flatMap((tenant) =>
        (["llm_call", "task", "tool_call"] as const).flatMap((kind) => {
          const rows = all.filter((row) => row.tenant === tenant && row.kind === kind);
          return rows.length === 0 ? [] : [{ tenant, employee: null, kind, sums: sumOf(rows) }];
        }),
      );
    },
    async rows({ tenant, filter = {}, errorsOnly, from = 0, to = Infinity, order, after, limit }: RowsQuery) {
      const sign = order === "newest-first" ? -1 : 1;
      const compare = (left: typeof after & {}, right: typeof after & {}): number =>
        sign *
        (left.occurredAt - right.occurredAt ||
          (left.eventId < right.eventId ? -1 : left.eventId > right.eventId ? 1 : 0));
      return all
        .filter((row) => row.tenant === tenant && row.occurredAt >= from && row.occurredAt < to)
        .filter((row) => !errorsOnly || !row.isSuccess)
        .filter((row) => Object.entries(filter).every(([name, value]) => row[name as "kind"] === value))
        .filter((row) => after === undefined || compare(row, after) > 0)
        .toSorted(compare)
        .slice(0, limit);
    },
  };
}

function sumOf(rows: readonly LedgerRow[]): UsageSums {
  const added: Record<string, number | bigint> = {};
  for (const column of columns) {
    const sum = rows.reduce((so, row) => so + contributionOf(row)[column], 0n);
    const name = column.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase());
    added[name] = name === "costNanoUsd" ? sum : Number(sum);
  }
  return added as unknown as UsageSums;
}
