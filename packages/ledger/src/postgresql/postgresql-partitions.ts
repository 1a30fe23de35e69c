import { firstTime, quoted, tables } from "./postgresql-names.ts";
import { lockSchema, longestStatementMillis } from "./postgresql-schema.ts";
import type { PostgresqlSession, RunQuery } from "./postgresql-session.ts";

/**
 * Makes the partitions of this month (UTC) and the next ones. Rows that came before their partition and so lie in the default
 * one move over in the same transaction. Appends wait for that; readers wait at its end, while the default partition is looked
 * through for rows of the month.
 */
export async function makePartitions(
  session: PostgresqlSession,
  schema: string,
  monthsAhead: number,
  now: Date = new Date(),
): Promise<void> {
  const months = Array.from({ length: monthsAhead + 1 }, (_, ahead) => monthOf(now, ahead));
  const there = await session.transaction("read", longestStatementMillis, (run) => partitionsOf(run, schema));
  for (const month of months) {
    if (there.includes(partitionName(month))) continue;
    await session.transaction("make a partition in", longestStatementMillis, async (run) => {
      await lockSchema(run, schema);
      // Another process may have been first.
      if (!(await partitionsOf(run, schema)).includes(partitionName(month))) await makePartition(run, schema, month);
    });
  }
}

/** Drops partitions of months before that of `from`, and remembers that those months are over. */
export async function dropPartitions(session: PostgresqlSession, schema: string, from: Date): Promise<void> {
  const table = tables(schema);
  const events = table("usage_events");
  const month = monthOf(from, 0).toISOString();
  await session.transaction("drop partitions of", longestStatementMillis, async (run) => {
    await lockSchema(run, schema);
    // Appends that went by the horizon of before are over now. Those that wait see the new one, since a statement's snapshot is
    // taken after its locks.
    await run(`LOCK TABLE ${events} IN ACCESS EXCLUSIVE MODE`);
    const [state] = await run(
      `UPDATE ${table("ledger_state")} SET retained_from = greatest(retained_from, $1::timestamptz)
       RETURNING (extract(epoch FROM retained_from) * 1000)::bigint AS retained_from`,
      [month],
    );
    const horizon = new Date(Number(state?.["retained_from"]));
    for (const name of await partitionsOf(run, schema)) {
      if (monthPattern.test(name) && name < partitionName(horizon)) await run(`DROP TABLE ${table(name)}`);
    }
  });
  // No such row can come any more, so this needs no lock, and keeps nobody waiting.
  await session.transaction("delete from", longestStatementMillis, (run) =>
    run(
      `DELETE FROM ${events} WHERE captured_at >= '${firstTime}'
       AND captured_at < (SELECT min(retained_from) FROM ${table("ledger_state")})`,
    ),
  );
}

async function makePartition(run: RunQuery, schema: string, month: Date): Promise<void> {
  const table = tables(schema);
  const events = table("usage_events");
  const partition = table(partitionName(month));
  const [low, high] = [month.toISOString(), monthOf(month, 1).toISOString()];
  await run(`LOCK TABLE ONLY ${events} IN SHARE ROW EXCLUSIVE MODE`);
  await run(`CREATE TABLE ${partition} (LIKE ${events} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)`);
  await run(
    `WITH moved AS (DELETE FROM ${table("usage_events_default")} WHERE captured_at >= $1 AND captured_at < $2 RETURNING *)
     INSERT INTO ${partition} SELECT * FROM moved`,
    [low, high],
  );
  // Readers wait from here on, so the indexes are there already.
  await run(`ALTER TABLE ${events} ATTACH PARTITION ${partition} FOR VALUES FROM ('${low}') TO ('${high}')`);
}

async function partitionsOf(run: RunQuery, schema: string): Promise<string[]> {
  const records = await run(
    `SELECT relname::text AS name FROM pg_catalog.pg_inherits JOIN pg_catalog.pg_class ON pg_class.oid = inhrelid
     WHERE inhparent = $1::regclass ORDER BY 1`,
    [`${quoted(schema)}.usage_events`],
  );
  return records.map((record) => String(record["name"]));
}

const monthPattern = /^usage_events_\d{4}_\d{2}$/;

function partitionName(month: Date): string {
  return `usage_events_${month.toISOString().slice(0, 7).replace("-", "_")}`;
}

/** The start of the month so many months after that of the moment, in UTC. */
function monthOf(moment: Date, later: number): Date {
  return new Date(Date.UTC(moment.getUTCFullYear(), moment.getUTCMonth() + later, 1));
}
