import type { LedgerStore, SumsRow } from "../ledger-store.ts";
import type { ProviderBill } from "./provider-bills.ts";
import { queryError, shown } from "../queries/query-error.ts";
import { usdText } from "../queries/query-money.ts";

export interface ReconcileOptions {
  /**
   * How far a day or an item may be off, as a share of the provider's figure from 0 to 1, and still agree.
   * @default 0.01
   */
  readonly tolerance?: number;
  /** Only this tenant's rows, where the bill is that tenant's own. Default: all. */
  readonly tenant?: string;
}

export interface Reconciliation {
  /** One sentence, for people. */
  readonly summary: string;
  readonly agrees: boolean;
  readonly total: ReconciledFigures;
  /** One for each UTC day the bill covers. */
  readonly days: readonly (ReconciledFigures & { readonly day: string })[];
  /**
   * By day and model, where the bill tells models; else none. Dates at the end of a model's name are left out, since a
   * provider bills `gpt-5-2025-08-07` where an application asked for `gpt-5`. What is billed for no model stands under the
   * provider's own words.
   */
  readonly items: readonly (ReconciledFigures & { readonly day: string; readonly item: string | null })[];
}

export interface ReconciledFigures {
  readonly oursNanoUsd: bigint;
  readonly theirsNanoUsd: bigint;
  /** Ours less theirs. */
  readonly differenceNanoUsd: bigint;
  /** The difference as a share of theirs; null where they charged nothing. */
  readonly share: number | null;
  /** Events of ours whose cost is not known, and is missing in ours. */
  readonly unpriced: number;
  readonly agrees: boolean;
}

/**
 * Holds the ledger against what a provider charged, day by day in UTC. Reads rollups alone.
 * @throws RangeError when the tolerance is no share, or the bill covers no day.
 */
export async function reconcile(
  store: LedgerStore,
  bill: ProviderBill,
  options: ReconcileOptions = {},
): Promise<Reconciliation> {
  const { tolerance = 0.01, tenant } = options;
  if (!(tolerance >= 0 && tolerance <= 1)) {
    throw queryError(`reconcile: tolerance must be a share from 0 to 1, found ${shown(tolerance)}`);
  }
  if (bill.days.length === 0) throw queryError("reconcile: the bill covers no day: give the provider's pages");

  // Days that the bill leaves out make periods of their own, which are not looked at.
  const boundaries = [...new Set(bill.days.flatMap((from) => [from, from + day]))];
  const rows = await store.sums({
    boundaries,
    filter: { provider: bill.provider, ...(tenant === undefined ? undefined : { tenant }) },
    groupBy: ["model"],
  });
  const entries = [
    ...rows.map((row) => ourEntry(row, boundaries[row.period] ?? 0)).filter(({ from }) => bill.days.includes(from)),
    ...bill.lines.map(({ from, model, lineItem, nanoUsd }) => ({
      from,
      item: model === null ? lineItem : undated(model),
      ours: 0n,
      theirs: nanoUsd,
      unpriced: 0,
    })),
  ];
  const figures = (some: readonly Entry[]): ReconciledFigures => figuresOf(some, tolerance);
  const days = bill.days.map((from) => ({
    day: dateOf(from),
    ...figures(entries.filter((entry) => entry.from === from)),
  }));
  const tellsModels = bill.lines.some(({ model }) => model !== null);
  const items = tellsModels ? itemsOf(entries, figures) : [];
  const total = figures(entries);
  const agrees = days.every((each) => each.agrees);
  return { summary: sentence(bill, total, days, tolerance), agrees, total, days, items };
}

interface Entry {
  readonly from: number;
  readonly item: string | null;
  readonly ours: bigint;
  readonly theirs: bigint;
  readonly unpriced: number;
}

function ourEntry({ group, sums }: SumsRow, from: number): Entry {
  const model = group.model ?? null;
  const item = model === null ? null : undated(model);
  return { from, item, ours: sums.costNanoUsd, theirs: 0n, unpriced: sums.unpriced };
}

function itemsOf(
  entries: readonly Entry[],
  figures: (some: readonly Entry[]) => ReconciledFigures,
): Reconciliation["items"] {
  const groups = Map.groupBy(entries, ({ from, item }) => JSON.stringify([dateOf(from), item]));
  return [...groups]
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([, some]) => ({ day: dateOf(some[0]!.from), item: some[0]!.item, ...figures(some) }));
}

function figuresOf(entries: readonly Entry[], tolerance: number): ReconciledFigures {
  const ours = entries.reduce((so, entry) => so + entry.ours, 0n);
  const theirs = entries.reduce((so, entry) => so + entry.theirs, 0n);
  const difference = ours - theirs;
  const allowed = absolute(theirs) * BigInt(Math.round(tolerance * 1e9));
  return {
    oursNanoUsd: ours,
    theirsNanoUsd: theirs,
    differenceNanoUsd: difference,
    share: theirs === 0n ? null : Number(difference) / Number(absolute(theirs)),
    unpriced: entries.reduce((so, entry) => so + entry.unpriced, 0),
    agrees: absolute(difference) * 1_000_000_000n <= allowed,
  };
}

function sentence(
  { provider, complete }: ProviderBill,
  total: ReconciledFigures,
  days: Reconciliation["days"],
  tolerance: number,
): string {
  const share = total.share === null ? "" : ` (${(total.share * 100).toFixed(2)} %)`;
  const unpriced = days.filter((each) => each.unpriced > 0);
  const named = unpriced.map((each) => `${each.unpriced} on ${each.day}`).join(", ");
  return [
    `${provider}, ${days[0]!.day} to ${days.at(-1)!.day}: ours ${usdText(total.oursNanoUsd)} USD, ` +
      `theirs ${usdText(total.theirsNanoUsd)} USD, difference ${usdText(total.differenceNanoUsd)} USD${share}; ` +
      `${days.filter((each) => each.agrees).length} of ${days.length} days agree within ${tolerance * 100} %`,
    ...(unpriced.length === 0 ? [] : [`calls without a price: ${named}`]),
    ...(complete ? [] : ["the bill is not complete: fetch the pages that follow"]),
  ].join("; ");
}

/** `gpt-5-2025-08-07` and `claude-sonnet-4-5-20250929` without their dates. */
function undated(model: string): string {
  return model.replace(/-(?:\d{4}-\d{2}-\d{2}|\d{8})$/, "");
}

function absolute(value: bigint): bigint {
  return value < 0n ? -value : value;
}

function dateOf(moment: number): string {
  return new Date(moment).toISOString().slice(0, 10);
}

const day = 24 * 60 * 60_000;
