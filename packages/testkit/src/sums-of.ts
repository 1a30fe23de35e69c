import type { LedgerStore, SumsRow, UsageFilter, UsageSums } from "@meterbridge/ledger";

const day = 86_400_000;

/** All usage of the UTC day of that moment; undefined when there was none. */
export async function sumsOn(
  store: LedgerStore,
  moment: number,
  filter: UsageFilter = {},
): Promise<UsageSums | undefined> {
  const start = moment - (moment % day);
  const [found] = await store.sums({ boundaries: [start, start + day], filter });
  return found?.sums;
}

/** What the UTC day of that moment cost, in nano-USD. */
export async function moneyOf(store: LedgerStore, moment: number, filter: UsageFilter = {}): Promise<bigint> {
  return (await sumsOn(store, moment, filter))?.costNanoUsd ?? 0n;
}

/** In an order of their own, for stores give them in none. */
export function sorted(rows: readonly SumsRow[]): SumsRow[] {
  const key = ({ period, group }: SumsRow): string =>
    JSON.stringify([period, Object.entries(group).toSorted(([a], [b]) => (a < b ? -1 : 1))]);
  return rows.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** The same for what a test made of an answer. */
export function inOrder<Value>(values: readonly Value[]): Value[] {
  const key = (value: Value): string =>
    JSON.stringify(value, (_name, each: unknown) => (typeof each === "bigint" ? String(each) : each));
  return values.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
}
