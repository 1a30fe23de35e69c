import { contributionInSql } from "./read-contribution.ts";
import type { Piece, ReadDialect } from "./read-dialect.ts";
import { type Rollup, rollups, sums } from "../rollups.ts";

/** One tenant's UTC day. Unix milliseconds; `to` is excluded. */
export interface TenantDay {
  readonly tenant: string;
  readonly from: number;
  readonly to: number;
}

/**
 * Both sides of a rollup for one tenant's day, in one statement and so from one moment: what the rows add up to as `rows_…`,
 * what the table says as `rollup_…`. Only buckets where they differ.
 */
export function dayStatement(dialect: ReadDialect, rollup: Rollup, { tenant, from, to }: TenantDay): Piece {
  const { sql, milliseconds, moment } = dialect;
  const size = sql.lit((rollup.seconds ?? 0) * 1000);
  // Counted from the day's start, so that division never meets a negative number, which it would round the wrong way.
  const start = sql`CAST(${from} AS bigint)`;
  const occurredAt = milliseconds(sql.raw("occurred_at"));
  const bucketAt = sql`${start} + (${occurredAt} - ${start}) / ${size} * ${size}`;
  const others = rollup.dimensions.filter((name) => name !== "tenant");
  const known = others.map((name) => sql`coalesce(${sql.id(name)}, '') AS ${sql.id(name)}`);
  const contributions = sums.map((name) => sql`${sql.raw(contributionInSql[name])} AS ${sql.id(name)}`);
  const rows = sql`SELECT 1 AS is_row, ${bucketAt} AS bucket_at, ${sql.join([...known, ...contributions])}
    FROM ${dialect.table("usage_events")}
    WHERE tenant = ${tenant} AND occurred_at >= ${moment(from)} AND occurred_at < ${moment(to)}`;
  const kept = sql`SELECT 0 AS is_row, ${milliseconds(sql.raw("bucket_at"))} AS bucket_at, ${sql.join([...others, ...sums].map((name) => sql.id(name)))}
    FROM ${dialect.table(rollup.table)}
    WHERE tenant = ${tenant} AND bucket_at >= ${moment(from)} AND bucket_at < ${moment(to)}`;
  return differences(dialect, rows, kept, ["bucket_at", ...others]);
}

/**
 * The same for a tenant's totals, held against its days: rows are subject to retention. In all that is longer than a day, and with
 * buckets those that begin from `from` to before `to`.
 */
export function longStatement(dialect: ReadDialect, rollup: Rollup, { tenant, from, to }: TenantDay): Piece {
  const { sql, milliseconds, moment } = dialect;
  const days = rollups.find(
    ({ seconds, dimensions }) => seconds === daySeconds && rollup.dimensions.every((name) => dimensions.includes(name)),
  );
  const others = rollup.dimensions.filter((name) => name !== "tenant");
  const columns = [...others, ...sums].map((name) => sql.id(name));
  const size = sql.lit((rollup.seconds ?? 0) * 1000);
  const bucketAt = milliseconds(sql.raw("bucket_at"));
  const side = (table: string, isRow: number): Piece => {
    const all = sql`FROM ${dialect.table(table)} WHERE tenant = ${tenant}`;
    if (rollup.seconds === null) return sql`SELECT ${sql.join([sql`${sql.lit(isRow)} AS is_row`, ...columns])} ${all}`;
    return sql`SELECT ${sql.join([sql`${sql.lit(isRow)} AS is_row`, sql`${bucketAt} / ${size} * ${size} AS bucket_at`, ...columns])}
      ${all} AND bucket_at >= ${moment(from)} AND bucket_at < ${moment(to)}`;
  };
  const keys = rollup.seconds === null ? others : ["bucket_at", ...others];
  return differences(dialect, side(days?.table ?? "usage_days", 1), side(rollup.table, 0), keys);
}

/** Whether buckets of this length are held against days, and not against rows. */
export function isLong(seconds: number | null): boolean {
  return seconds === null || seconds > daySeconds;
}

/** The first moment from `from` on where a tenant has rows or rollups, so that empty days cost nothing. Null: none. */
export function nextStatement(dialect: ReadDialect, { tenant, from, to }: TenantDay): Piece {
  const { sql, milliseconds, moment } = dialect;
  const buckets = rollups.filter(({ seconds }) => !isLong(seconds));
  const sources = [["usage_events", "occurred_at"], ...buckets.map(({ table }) => [table, "bucket_at"])] as const;
  const first = sources.map(([table = "", column = ""]) => {
    const time = sql.id(column);
    return sql`SELECT min(${time}) AS moment FROM ${dialect.table(table)}
      WHERE tenant = ${tenant} AND ${time} >= ${moment(from)} AND ${time} < ${moment(to)}`;
  });
  const union = sql.join(first, sql.raw(" UNION ALL "));
  return sql`SELECT ${milliseconds(sql.raw("min(moment)"))} AS moment FROM (${union}) AS moments`;
}

function differences({ sql, integer }: ReadDialect, rows: Piece, kept: Piece, keys: readonly string[]): Piece {
  const side = (name: string, isRow: number): Piece =>
    sql`sum(CASE WHEN is_row = ${sql.lit(isRow)} THEN ${sql.id(name)} ELSE 0 END)`;
  const columns = sums.flatMap((name) => [
    sql`${integer(side(name, 1))} AS ${sql.id(`rows_${name}`)}`,
    sql`${integer(side(name, 0))} AS ${sql.id(`rollup_${name}`)}`,
  ]);
  const unequal = sums.map((name) => sql`${side(name, 1)} <> ${side(name, 0)}`);
  const grouped = sql.join(keys.map((name) => sql.id(name)));
  return sql`SELECT ${grouped}, ${sql.join(columns)} FROM (${rows} UNION ALL ${kept}) AS sides
    GROUP BY ${grouped} HAVING ${sql.join(unequal, sql.raw(" OR "))}`;
}

const daySeconds = 86_400;
