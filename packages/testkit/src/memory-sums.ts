import type { LedgerRow, SumsQuery, SumsRow, TotalsQuery, TotalsRow, UsageSums } from "@meterbridge/ledger";

type Group = SumsRow["group"];

/** Sums by folding rows one by one, on purpose without any rollup: what stores with rollups are held against. */
export function foldSums(rows: Iterable<LedgerRow>, query: SumsQuery): SumsRow[] {
  checkBoundaries(query.boundaries);
  const found = new Map<string, { period: number; group: Group; sums: UsageSums }>();
  for (const row of rows) {
    const period = periodOf(row.occurredAt, query.boundaries);
    if (period === undefined || !fits(row, query.filter)) continue;
    const group: Group = Object.fromEntries((query.groupBy ?? []).map((name) => [name, row[name]]));
    const key = JSON.stringify([period, group]);
    found.set(key, { period, group, sums: plus(found.get(key)?.sums, row) });
  }
  return [...found.values()];
}

/** All-time totals by kind. */
export function foldTotals(rows: Iterable<LedgerRow>, query: TotalsQuery): TotalsRow[] {
  const found = new Map<string, TotalsRow>();
  for (const row of rows) {
    const { tenant, kind } = row;
    const isWanted =
      "tenants" in query
        ? query.tenants.includes(tenant)
        : query.employees.some((each) => each.tenant === tenant && each.employee === row.employee);
    if (!isWanted) continue;
    const employee = "tenants" in query ? null : row.employee;
    const key = JSON.stringify([tenant, employee, kind]);
    found.set(key, { tenant, employee, kind, sums: plus(found.get(key)?.sums, row) });
  }
  return [...found.values()];
}

function fits(row: LedgerRow, filter: SumsQuery["filter"] = {}): boolean {
  return Object.entries(filter).every(
    ([name, wanted]) => wanted === undefined || row[name as keyof typeof filter] === wanted,
  );
}

function plus(before: UsageSums | undefined, row: LedgerRow): UsageSums {
  const event = row.corrects === null ? 1 : 0;
  const isUncertain = row.costStatus === "estimated" || ["estimated", "partial"].includes(row.usageSource);
  return {
    records: (before?.records ?? 0) + 1,
    events: (before?.events ?? 0) + event,
    successes: (before?.successes ?? 0) + (row.isSuccess ? event : 0),
    errors: (before?.errors ?? 0) + (row.isSuccess ? 0 : event),
    estimated: (before?.estimated ?? 0) + (isUncertain ? event : 0),
    unpriced: (before?.unpriced ?? 0) + row.unpriced,
    inputTokens: (before?.inputTokens ?? 0) + (row.inputTokens ?? 0),
    outputTokens: (before?.outputTokens ?? 0) + (row.outputTokens ?? 0),
    cacheReadTokens: (before?.cacheReadTokens ?? 0) + (row.cacheReadTokens ?? 0),
    cacheWriteTokens: (before?.cacheWriteTokens ?? 0) + (row.cacheWriteTokens ?? 0),
    reasoningTokens: (before?.reasoningTokens ?? 0) + (row.reasoningTokens ?? 0),
    costNanoUsd: (before?.costNanoUsd ?? 0n) + (row.costNanoUsd ?? 0n),
    timed: (before?.timed ?? 0) + (row.inferenceMicros === null ? 0 : event),
    inferenceMicros: (before?.inferenceMicros ?? 0) + (row.inferenceMicros ?? 0) * event,
    queueMicros: (before?.queueMicros ?? 0) + (row.queueMicros ?? 0) * event,
  };
}

function periodOf(moment: number, boundaries: readonly number[]): number | undefined {
  const after = boundaries.findIndex((boundary) => boundary > moment);
  return after > 0 ? after - 1 : undefined;
}

function checkBoundaries(boundaries: readonly number[]): void {
  const isRight = (boundary: number, index: number): boolean =>
    boundary % 900_000 === 0 && (index === 0 || boundary > boundaries[index - 1]!);
  if (boundaries.length < 2 || !boundaries.every(isRight)) {
    throw new Error("[meterbridge] [ledger] [memory] sums need 2 ascending boundaries or more, on quarter hours");
  }
}
