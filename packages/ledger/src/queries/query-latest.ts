import type { LedgerRow } from "../ledger-row.ts";
import { cursorOf, positionOf } from "./query-cursor.ts";
import { usdText } from "./query-money.ts";
import { checkQueryParameters, type LatestParameters } from "./query-parameters.ts";
import type { QuerySource } from "./query-source.ts";

export interface LatestRow extends LedgerRow {
  /** US dollars with nine digits; null when unpriced. */
  readonly costUsd: string | null;
}

export interface LatestPage {
  readonly rows: readonly LatestRow[];
  /** Give it back for the next page. Null when this was the last. */
  readonly cursor: string | null;
}

export async function latest(source: QuerySource, parameters: LatestParameters): Promise<LatestPage> {
  const checked = checkQueryParameters("latest", parameters);
  const { tenant, project, process, kind, errorsOnly = false, limit, cursor } = checked;
  const question = [tenant, project ?? null, process ?? null, kind ?? null, errorsOnly];
  const filter = {
    ...(project === undefined ? undefined : { project }),
    ...(process === undefined ? undefined : { process }),
    ...(kind === undefined ? undefined : { kind }),
  };
  const found = await source.store.rows({
    tenant,
    filter,
    errorsOnly,
    order: "newest-first",
    // One more tells whether there is a next page.
    limit: limit + 1,
    ...(cursor === undefined ? undefined : { after: positionOf("latest", cursor, question) }),
  });
  const rows = found.slice(0, limit);
  const last = rows.at(-1);
  return {
    rows: rows.map((row) => ({ ...row, costUsd: row.costNanoUsd === null ? null : usdText(row.costNanoUsd) })),
    cursor: last === undefined || found.length <= limit ? null : cursorOf(last, question),
  };
}
