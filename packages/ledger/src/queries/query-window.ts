import { calendarOf } from "./calendar.ts";
import type { LedgerStore } from "../ledger-store.ts";
import { queryError } from "./query-error.ts";
import type { QueryMoment } from "./query-parameters.ts";
import { momentsOf, type MomentRange } from "./query-range.ts";

/** The window of a proof tool, which reads rows. Dates without a time are UTC days, `to` included whole. */
export interface ProofWindow {
  readonly from: QueryMoment;
  /** Excluded, unless it is a date without a time. */
  readonly to: QueryMoment;
  /** Left out: every tenant. */
  readonly tenant?: string;
}

/**
 * What the window's moments are. Rows that retention has forgotten are not there to be read, so a window that begins before
 * is refused: half an answer that looks whole is worse than none.
 */
export async function windowOf(tool: string, store: LedgerStore, window: ProofWindow): Promise<MomentRange> {
  const range = momentsOf(tool, await calendarOf("UTC"), window);
  await refuseForgotten(tool, store, range);
  return range;
}

/** Asked once more at the end, since retention may have come in between. */
export async function refuseForgotten(tool: string, store: LedgerStore, range: MomentRange): Promise<void> {
  const retained = await store.retainedFrom();
  if (retained !== undefined && range.from < retained.getTime()) {
    throw queryError(
      `${tool}: from must not be before ${retained.toISOString()}, since the rows before are forgotten (retention), ` +
        `found ${new Date(range.from).toISOString()}`,
    );
  }
}

/** The tenants to look at: the one asked for, else all. */
export async function tenantsOf(store: LedgerStore, tenant: string | undefined): Promise<readonly string[]> {
  return tenant === undefined ? store.tenants() : [tenant];
}

/** A tenant's rows in the window, oldest first, by pages. */
export async function* pagesOf(
  store: LedgerStore,
  tenant: string,
  { from, to }: MomentRange,
  filter: { readonly kind?: "llm_call" } = {},
): AsyncGenerator<Awaited<ReturnType<LedgerStore["rows"]>>> {
  let after: { occurredAt: number; eventId: string } | undefined;
  for (;;) {
    const rows = await store.rows({
      tenant,
      filter,
      from,
      to,
      order: "oldest-first",
      limit: pageSize,
      ...(after === undefined ? undefined : { after }),
    });
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows;
    after = { occurredAt: last.occurredAt, eventId: last.eventId };
  }
}

const pageSize = 1000;
