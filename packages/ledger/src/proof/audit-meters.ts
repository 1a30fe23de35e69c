import type { AuditDifference } from "./audit.ts";
import type { LedgerStore, SumsRow } from "../ledger-store.ts";
import { usdText } from "../queries/query-money.ts";
import type { MomentRange } from "../queries/query-range.ts";

/**
 * What a metrics backend says of the model calls in a window, under the dimensions it has. A figure that is left out is not
 * compared. Null for a dimension means "not known".
 */
export interface MeterTotals {
  readonly provider?: string | null;
  readonly model?: string | null;
  readonly tenant?: string | null;
  /** `llm.requests` */
  readonly calls?: number;
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  /** `llm.cost`: a float, so it may be off by a nano-dollar for each call and by a billionth of itself. */
  readonly costUsd?: number;
  /** `llm.unpriced` */
  readonly unpriced?: number;
}

/**
 * Every figure is held against the ledger's. And where all meters have the same dimensions, whatever the ledger has under these
 * and no meter tells is a difference too.
 */
export async function meterDifferences(
  store: LedgerStore,
  { from, to }: MomentRange,
  tenant: string | undefined,
  meters: readonly MeterTotals[],
): Promise<AuditDifference[]> {
  const rows = await store.sums({
    boundaries: [from, to],
    filter: { kind: "llm_call", ...(tenant === undefined ? undefined : { tenant }) },
    groupBy: ["tenant", "provider", "model"],
  });
  const told = new Set<SumsRow>();
  const differences = meters.flatMap((meter) => {
    const matching = rows.filter(({ group }) =>
      names.every((name) => meter[name] === undefined || meter[name] === group[name]),
    );
    for (const row of matching) told.add(row);
    return ofMeter(meter, matching);
  });
  const [first = {}] = meters;
  const isUniform = meters.every((meter) =>
    names.every((name) => (meter[name] === undefined) === (first[name] === undefined)),
  );
  return isUniform
    ? [
        ...differences,
        ...untold(
          rows.filter((row) => !told.has(row)),
          first,
        ),
      ]
    : differences;
}

function ofMeter(meter: MeterTotals, rows: readonly SumsRow[]): AuditDifference[] {
  const sum = (name: "events" | "inputTokens" | "outputTokens" | "unpriced"): number =>
    rows.reduce((so, { sums }) => so + sums[name], 0);
  const cost = rows.reduce((so, { sums }) => so + sums.costNanoUsd, 0n);
  const calls = sum("events");
  const exact = {
    calls,
    inputTokens: sum("inputTokens"),
    outputTokens: sum("outputTokens"),
    unpriced: sum("unpriced"),
  };
  const where = placeOf(meter);
  const differences: AuditDifference[] = [];
  const tell = (figure: string, found: number, foundText: string, ledger: bigint | number, text: string): void => {
    differences.push({
      what: `meter ${figure}${where} is ${foundText}, and the ledger says ${text}`,
      between: "ledger and meter",
      tenant: meter.tenant ?? null,
      ledger,
      found,
    });
  };
  for (const figure of ["calls", "inputTokens", "outputTokens", "unpriced"] as const) {
    const found = meter[figure];
    if (found !== undefined && found !== exact[figure])
      tell(figure, found, String(found), exact[figure], String(exact[figure]));
  }
  const found = meter.costUsd;
  const allowed = calls * 1e-9 + (Math.abs(Number(cost)) / 1e9) * 1e-9;
  // Written so that NaN is a difference.
  if (found !== undefined && !(Math.abs(found - Number(cost) / 1e9) <= allowed)) {
    tell("costUsd", found, String(found), cost, usdText(cost));
  }
  return differences;
}

function untold(rows: readonly SumsRow[], like: MeterTotals): AuditDifference[] {
  const groups = Map.groupBy(
    rows.filter(({ sums }) => sums.events > 0),
    ({ group }) => JSON.stringify(names.map((name) => (like[name] === undefined ? undefined : (group[name] ?? null)))),
  );
  return [...groups.values()].map((some) => {
    const { group } = some[0]!;
    const place = Object.fromEntries(
      names.filter((name) => like[name] !== undefined).map((name) => [name, group[name]]),
    );
    const calls = some.reduce((so, { sums }) => so + sums.events, 0);
    return {
      what: `no meter tells of the calls${placeOf(place)}, and the ledger has ${calls}`,
      between: "ledger and meter",
      tenant: like.tenant === undefined ? null : (group.tenant ?? null),
      ledger: calls,
      found: null,
    };
  });
}

function placeOf(meter: MeterTotals): string {
  const named = names
    .filter((name) => meter[name] !== undefined)
    .map((name) => `${name} ${meter[name] === null ? "not known" : JSON.stringify(meter[name])}`);
  return named.length === 0 ? "" : ` of ${named.join(", ")}`;
}

const names = ["tenant", "provider", "model"] as const;
