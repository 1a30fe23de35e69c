import type { SqliteConnection } from "./sqlite-driver.ts";
import { inTransaction } from "./sqlite-transaction.ts";

/** Rows looked at in one transaction: about 10 ms, after which others get to write. */
const chunk = 10_000n;

/**
 * Forgets the rows captured before the start of the month of `from` (UTC). The horizon is kept with the first of them, so
 * that no moment accepts anew what is being forgotten; a call that was cut short is finished by the next one. It never
 * moves back. `turn` lets others in between chunks.
 */
export async function forgetRows(connection: SqliteConnection, from: number, turn: () => Promise<void>): Promise<void> {
  const date = new Date(from);
  const asked = BigInt(Date.UTC(date.getUTCFullYear(), date.getUTCMonth()));
  const raise = connection.prepareChange(
    "insert into ledger_state values ('retained_from', ?) on conflict do update set value = max(value, excluded.value)",
  );
  // By their places in the table: one walk over it, without an index that each append would pay for.
  const forget = connection.prepareChange(
    "delete from usage_events where rowid >= ? and rowid < ? and captured_at <> 0 and captured_at < ?",
  );
  const [bounds] = connection.prepareQuery("select min(rowid) as low, max(rowid) as high from usage_events")([]);
  const low = (bounds?.["low"] ?? 0n) as bigint;
  const high = (bounds?.["high"] ?? 0n) as bigint;
  inTransaction(connection, () => {
    raise([asked]);
    forget([low, low + chunk, asked]);
  });
  for (let start = low + chunk; start <= high; start += chunk) {
    await turn();
    forget([start, start + chunk, asked]);
  }
}

/** The horizon, in Unix milliseconds. */
export function horizonOf(connection: SqliteConnection): number | undefined {
  const [found] = connection.prepareQuery("select value from ledger_state where name = 'retained_from'")([]);
  return found === undefined ? undefined : Number(found["value"]);
}
