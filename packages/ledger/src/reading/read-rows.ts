import { ledgerColumns, rowOf } from "../ledger-columns.ts";
import type { LedgerRow } from "../ledger-row.ts";
import type { RowsQuery } from "../ledger-store.ts";
import type { Piece, ReadDialect } from "./read-dialect.ts";
import { isStorable } from "./read-filter.ts";

/**
 * One page by keyset: the index (tenant, occurred_at, event_id), or the one that has the project or process second, is entered
 * at the page's first row and left at its last.
 */
export async function readRows(dialect: ReadDialect, query: RowsQuery): Promise<readonly LedgerRow[]> {
  const { limit } = query;
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw new Error(`[meterbridge] [ledger] a page of rows needs a limit of at least 1, found ${limit}`);
  }
  const texts = [query.tenant, query.filter?.project, query.filter?.process, query.filter?.kind, query.after?.eventId];
  if (!texts.every((text) => text === undefined || isStorable(text))) return [];

  const { sql } = dialect;
  const selected = ledgerColumns.map(({ column, type }) => {
    const name = dialect.column("usage_events", column);
    return type === "time" ? sql`${dialect.milliseconds(name)} AS ${sql.id(column)}` : name;
  });
  // Qualified, since a bare name would mean the selected milliseconds, which no index knows.
  const occurredAt = sql.raw("usage_events.occurred_at");
  const direction = sql.raw(query.order === "newest-first" ? "DESC" : "ASC");
  const records =
    await dialect.run(sql`SELECT ${sql.join(selected)} FROM ${dialect.table("usage_events")} AS usage_events
    WHERE ${sql.join(conditionsOf(dialect, query, occurredAt), sql.raw(" AND "))}
    ORDER BY ${occurredAt} ${direction}, usage_events.event_id ${direction} LIMIT ${limit}`);
  return records.map((record) => rowOf(record));
}

function conditionsOf({ name, sql, column, moment }: ReadDialect, query: RowsQuery, occurredAt: Piece): Piece[] {
  const conditions = [sql`usage_events.tenant = ${query.tenant}`];
  for (const key of ["project", "process", "kind"] as const) {
    const value = query.filter?.[key];
    if (value !== undefined) conditions.push(sql`${column("usage_events", key)} = ${value}`);
  }
  if (query.errorsOnly === true) conditions.push(sql.raw(name === "sqlite" ? "is_success = 0" : "NOT is_success"));

  const { after, order } = query;
  let { from, to } = query;
  if (after !== undefined) {
    const sign = sql.raw(order === "newest-first" ? "<" : ">");
    conditions.push(
      sql`(${occurredAt}, usage_events.event_id) ${sign} (${moment(after.occurredAt)}, ${after.eventId})`,
    );
    // Of two bounds on one side SQLite may enter the index at the wider one, and then walks all pages before this one.
    if (order === "newest-first" && to !== undefined && after.occurredAt < to) to = undefined;
    if (order === "oldest-first" && from !== undefined && after.occurredAt >= from) from = undefined;
  }
  if (from !== undefined) conditions.push(sql`${occurredAt} >= ${moment(from)}`);
  if (to !== undefined) conditions.push(sql`${occurredAt} < ${moment(to)}`);
  return conditions;
}
