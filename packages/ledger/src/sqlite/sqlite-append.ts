import { ledgerColumns } from "../ledger-columns.ts";
import type { AppendResult } from "../ledger-store.ts";
import { dimensions, type Rollup, rollups, sums } from "../rollups.ts";
import { batchWidth, type SqliteBatch } from "./sqlite-batch.ts";
import type { SqliteConnection, SqliteValue } from "./sqlite-driver.ts";
import { storeError } from "./sqlite-error.ts";
import { type FoldedGroup, foldRows } from "./sqlite-fold.ts";
import { sqliteMigrations } from "./sqlite-schema.ts";
import { inTransaction } from "./sqlite-transaction.ts";

/** Prepares the statements of an append, which writes the rows of a batch and what the new ones add to each rollup. */
export function createAppend(connection: SqliteConnection, file: string): (batch: SqliteBatch) => AppendResult {
  const state = connection.prepareQuery(
    "select user_version as version, (select value from ledger_state where name = 'retained_from') as horizon from pragma_user_version",
  );
  const insert = connection.prepareChange(insertRow);
  const upserts = rollups.map((rollup) => ({
    rollup,
    parameters: parametersFor(rollup),
    upsert: connection.prepareChange(upsertOf(rollup)),
  }));

  return (batch) =>
    inTransaction(connection, () => {
      const [found] = state([]);
      // A newer process may have upgraded the tables while this one was running.
      checkVersionOf(found, file);
      const horizon = Number(found?.["horizon"] ?? 0);
      const now = Date.now();
      const added: number[] = [];
      let expired = 0;
      for (const offset of offsetsByKey(batch)) {
        const capturedAt = batch[offset + capturedAtPlace] as number;
        if (capturedAt !== 0 && capturedAt < horizon) {
          expired += 1;
          continue;
        }
        const values = batch.slice(offset, offset + batchWidth);
        values.push(now);
        if (insert(values) === 1) added.push(offset);
      }
      const folded = foldRows(batch, added);
      for (const { rollup, parameters, upsert } of upserts) {
        for (const group of folded.get(rollup) ?? []) upsert(parameters(group, now));
      }
      const written = added.length;
      return { written, duplicates: batch.length / batchWidth - written - expired, expired };
    });
}

/** Where the rows of a batch begin, in the order of their keys: neighbours share pages, of the table and of its indexes. */
function offsetsByKey(batch: SqliteBatch): number[] {
  const offsets = Array.from({ length: batch.length / batchWidth }, (_, row) => row * batchWidth);
  const compare = (left: number, right: number, place: number): number => {
    const [one, other] = [batch[left + place] ?? "", batch[right + place] ?? ""];
    return one < other ? -1 : Number(one > other);
  };
  return offsets.toSorted((left, right) => compare(left, right, 0) || compare(left, right, 1));
}

function checkVersionOf(found: Record<string, unknown> | undefined, file: string): void {
  const version = Number(found?.["version"]);
  if (version === sqliteMigrations.length) return;
  const happened = `its tables have become version ${version}, and this process writes version ${sqliteMigrations.length}`;
  throw storeError("refused", file, happened, "restart this process with the newer @meterbridge/ledger");
}

/** The key columns of a rollup: tenant, bucket, then the other dimensions. */
export function rollupKey(rollup: Rollup): string[] {
  const [tenant = "tenant", ...others] = rollup.dimensions;
  return [tenant, ...(rollup.seconds === null ? [] : ["bucket_at"]), ...others];
}

const capturedAtPlace = ledgerColumns.findIndex(({ field }) => field === "capturedAt");

const insertRow = `insert into usage_events (${ledgerColumns.map(({ column }) => column).join(", ")}, recorded_at)
values (${ledgerColumns.map(() => "?").join(", ")}, ?) on conflict do nothing`;

function upsertOf(rollup: Rollup): string {
  const columns = [...rollupKey(rollup), ...sums, "updated_at"];
  return `insert into ${rollup.table} (${columns.join(", ")}) values (${columns.map(() => "?").join(", ")})
on conflict do update set ${sums.map((sum) => `${sum} = ${sum} + excluded.${sum}`).join(", ")},
updated_at = max(updated_at, excluded.updated_at)`;
}

/** Gives the parameters of an upsert for a group, with the columns looked up once. */
function parametersFor(rollup: Rollup): (group: FoldedGroup, now: number) => SqliteValue[] {
  const places = rollupKey(rollup).map((column) => dimensions.findIndex((dimension) => dimension === column));
  return ({ values, bucketAt, sums: added }, now) => {
    const parameters: SqliteValue[] = places.map((place) => values[place] ?? bucketAt);
    parameters.push(...added, now);
    return parameters;
  };
}
