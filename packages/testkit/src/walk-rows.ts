import type { LedgerRow, LedgerStore, RowsQuery } from "@meterbridge/ledger";

/** Every row of a query, page by page. `between` runs after each page. */
export async function walkRows(
  store: LedgerStore,
  query: Omit<RowsQuery, "after" | "order"> & Partial<Pick<RowsQuery, "order">>,
  between: () => Promise<unknown> = async () => undefined,
): Promise<LedgerRow[]> {
  const found: LedgerRow[] = [];
  for (;;) {
    const last = found.at(-1);
    const after = last === undefined ? {} : { after: { occurredAt: last.occurredAt, eventId: last.eventId } };
    const page = await store.rows({ order: "oldest-first", ...query, ...after });
    found.push(...page);
    if (page.length < query.limit) return found;
    if (found.length > 100_000) throw new Error("the pages do not end");
    await between();
  }
}
