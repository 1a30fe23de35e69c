import type { Piece, ReadDialect } from "./read-dialect.ts";
import { matching } from "./read-filter.ts";
import type { PlanPiece, TablePieces } from "./read-plan.ts";
import { distinctTenants } from "./read-tenants.ts";
import { answeredColumnsOf, answeredSumsOf, bucketSumsOf } from "./read-values.ts";
import { type Dimension, isNarrow, type Rollup } from "../rollups.ts";

/** What the pieces of a plan add up to, by their places in it: `piece`, the groups, the sums. Everything is read along indexes. */
export function piecesStatement(
  dialect: ReadDialect,
  plan: readonly TablePieces[],
  groupBy: readonly Dimension[],
  wanted: ReadonlyMap<Dimension, string>,
): Piece {
  const { sql } = dialect;
  let place = 0;
  const parts = plan.flatMap(({ rollup, pieces }) => {
    const numbered = pieces.map((piece) => ({ ...piece, place: place++ }));
    const asked = { rollup, groupBy, wanted };
    if (dialect.name === "sqlite") return sqlitePart(dialect, asked, numbered);
    return pieces.length <= fewPieces
      ? numbered.map((piece) => postgresqlPiece(dialect, asked, piece))
      : postgresqlPart(dialect, asked, numbered);
  });
  const tenants =
    wanted.has("tenant") || dialect.name === "postgresql"
      ? sql``
      : sql`WITH tenants AS MATERIALIZED (${distinctTenants(dialect, "usage_totals")}) `;
  return sql`${tenants}${sql.join(parts, sql.raw(" UNION ALL "))}`;
}

interface Asked {
  readonly rollup: Rollup;
  readonly groupBy: readonly Dimension[];
  readonly wanted: ReadonlyMap<Dimension, string>;
}

interface NumberedPiece extends PlanPiece {
  readonly place: number;
}

/**
 * A walk along the primary key (tenant, bucket_at, …) for each tenant and piece. SQLite keeps the order of a CROSS JOIN; left to
 * itself it reads all of the tenant, or of the table, for each.
 */
function sqlitePart(dialect: ReadDialect, { rollup, groupBy, wanted }: Asked, pieces: readonly NumberedPiece[]): Piece {
  const { sql, column } = dialect;
  const list = dialect.list(
    pieces.map(({ place, low, high }) => [place, low, high]),
    { piece: "bigint", low: "bigint", high: "bigint" },
  );
  const isOne = wanted.has("tenant");
  const groups = sql.join([sql.raw("pieces.piece"), ...groupBy.map((name) => column("kept", name))]);
  // Not looked into again for each bucket that is read.
  const once = sql`SELECT * FROM (WITH list AS MATERIALIZED (${list}) SELECT * FROM list)`;
  return sql`SELECT ${groups}, ${answeredSumsOf(dialect, "kept")}
    FROM (${once}) AS pieces CROSS JOIN ${sql.raw(isOne ? "" : "tenants CROSS JOIN ")}${dialect.table(rollup.table)} AS kept
    WHERE kept.bucket_at >= pieces.low AND kept.bucket_at < pieces.high
      ${sql.raw(isOne ? "" : "AND kept.tenant = tenants.tenant")}${matching(dialect, "kept", wanted)}
    GROUP BY ${groups}`;
}

/** A single piece, whose bounds the planner knows. */
function postgresqlPiece(dialect: ReadDialect, asked: Asked, { place, low, high }: NumberedPiece): Piece {
  const { sql, column, moment } = dialect;
  const groups = asked.groupBy.map((name) => column("kept", name));
  const grouped = groups.length === 0 ? sql`HAVING count(*) > 0` : sql`GROUP BY ${sql.join(groups)}`;
  return sql`SELECT ${sql.join([sql`${sql.lit(place)}::bigint AS piece`, ...groups])}, ${answeredSumsOf(dialect, "kept")}
    FROM ${dialect.table(asked.rollup.table)} AS kept
    WHERE kept.bucket_at >= ${moment(low)} AND kept.bucket_at < ${moment(high)}${ofTenants(dialect, asked)} ${grouped}`;
}

/**
 * Many pieces, each of few buckets, as those of a timeline: added up by bucket first and then by piece. A join with the pieces
 * would go into the index anew for each of them and each tenant, which takes longer than all else.
 */
function postgresqlPart(dialect: ReadDialect, asked: Asked, pieces: readonly NumberedPiece[]): Piece {
  const { sql, column, moment } = dialect;
  const { rollup, groupBy } = asked;
  const size = (rollup.seconds ?? 0) * 1000;
  const buckets = pieces.flatMap(({ place, low, high }) =>
    Array.from({ length: (high - low) / size }, (_, index) => [place, low + index * size] as const),
  );
  const list = dialect.list(buckets, { piece: "bigint", bucket: "bigint" });
  const groupsOf = (table: string): Piece[] => groupBy.map((name) => column(table, name));
  const inBucket = sql.join([sql.raw("kept.bucket_at"), ...groupsOf("kept")]);
  const inPiece = sql.join([sql.raw("pieces.piece"), ...groupsOf("part")]);
  const low = Math.min(...pieces.map((piece) => piece.low));
  const high = Math.max(...pieces.map((piece) => piece.high));
  // One walk from the first to the last where there is little in between, else one for each bucket.
  const within =
    buckets.length * size * 2 >= high - low
      ? sql`kept.bucket_at >= ${moment(low)} AND kept.bucket_at < ${moment(high)}`
      : sql`kept.bucket_at = ANY(ARRAY(SELECT ${moment(sql.raw("bucket"))} FROM (${list}) AS list))`;
  // Where most pieces are a single bucket, whoever asked adds up the others as well.
  const isShort = buckets.length <= 2 * pieces.length;
  const answered = isShort ? answeredColumnsOf(dialect, "part") : answeredSumsOf(dialect, "part");
  return sql`SELECT ${inPiece}, ${answered}
    FROM (SELECT ${inBucket}, ${bucketSumsOf(dialect, "kept")} FROM ${dialect.table(rollup.table)} AS kept
      WHERE ${within}${ofTenants(dialect, asked)} GROUP BY ${inBucket}) AS part
    JOIN (SELECT piece, ${moment(sql.raw("bucket"))} AS bucket_at FROM (${list}) AS list) AS pieces
      ON part.bucket_at = pieces.bucket_at
    ${isShort ? sql`` : sql`GROUP BY ${inPiece}`}`;
}

/** Narrow tables have an index by time alone, the others are read tenant by tenant. */
function ofTenants(dialect: ReadDialect, { rollup, wanted }: Asked): Piece {
  const { sql } = dialect;
  if (wanted.has("tenant") || isNarrow(rollup)) return matching(dialect, "kept", wanted);
  return sql` AND kept.tenant = ANY(ARRAY(${distinctTenants(dialect, "usage_totals")}))${matching(dialect, "kept", wanted)}`;
}

const fewPieces = 4;
